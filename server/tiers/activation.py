"""How strongly a memory is held: ACT-R's base-level activation with optimized learning.

    B = ln(n / (1 - d)) - d ln L,  d = .5

for n uses (the first is the remembering itself) over a life of L seconds (Anderson and Lebiere, The
Atomic Components of Thought, 1998, ch. 4): each use adds, time takes away by a power law, and
rehearsal is what keeps a memory. The exact form sums over the moments of all uses; the optimized one
takes them as spread evenly over the life, and needs their number alone.
"""

import math
from datetime import datetime

__all__ = ["DECAY", "base_level"]

DECAY = 0.5
"""d: ACT-R's own value, with which the order of B is that of n² / L (`ledger.reads`)."""
_LEAST = 1e-6
"""Seconds of life at the least: a microsecond, the ledger's resolution."""


def base_level(uses: int, remembered_at: datetime, now: datetime) -> float:
    """The activation now, in units of natural logarithm. A memory of no uses has none: -inf."""
    if uses < 1:
        return -math.inf
    life = max((now - remembered_at).total_seconds(), _LEAST)
    return math.log(uses / (1 - DECAY)) - DECAY * math.log(life)
