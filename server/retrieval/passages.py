"""From the passages that are near to their versions: a long memory has several."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..index import Found, Near, nearest_of
from ..ledger import seqs_of

__all__ = [
    "AGAIN",
    "Compare",
    "Compared",
    "best_of",
    "best_of_each",
    "compared",
    "passages_for",
    "versions_of",
]

_SPARE = 4
"""One passage more for so many versions that are wanted: long memories have several near ones."""
_MOST = 4000
"""Passages sought for it at the most."""
AGAIN = 4
"""Times as many passages that are sought where those were of too few versions."""


class Compared(NamedTuple):
    """What is near to a question."""

    nearest: Mapping[int, float]
    """The cosines of the best versions, by seq."""
    passages: Found | None
    """Those of all passages, in no order; None where not all were compared."""


Compare = Callable[[NDArray[np.float32]], Compared]
"""Of a query, shape (1, dimension)."""


def compared(near: Near, query: NDArray[np.float32], limit: int, *, whole: bool) -> Compared:
    """The best versions for a query, shape (1, dimension). `whole`: all passages are compared for it."""
    wanted = passages_for(limit)
    while True:
        (found,) = near(query, wanted)
        if (best := versions_of([nearest_of(found, wanted)], limit, wanted)) is not None:
            return Compared(best[0], found if whole else None)
        wanted *= AGAIN


def passages_for(limit: int) -> int:
    """How many passages are sought first for so many versions."""
    return limit + limit // _SPARE + 1


def versions_of(
    found: Sequence[Found], limit: int, wanted: int
) -> list[Mapping[int, float]] | None:
    """The best versions of each, unless so many passages as were wanted are of too few of them."""
    best = [best_of(one, limit) for one in found]
    pairs = zip(best, found, strict=True)
    if wanted > _MOST or all(len(o) == limit or len(f.ids) < wanted for o, f in pairs):
        return best
    return None


def best_of(found: Found, limit: int) -> Mapping[int, float]:
    """The best passage of each version, best first."""
    best: dict[int, float] = {}
    for seq, cosine in zip(seqs_of(found.ids).tolist(), found.cosines.tolist(), strict=True):
        if seq not in best:
            best[seq] = cosine
            if len(best) == limit:
                break
    return best


def best_of_each(found: Found, choices: Sequence[Sequence[int]], limit: int) -> Mapping[int, float]:
    """Of passages, nearest first, the best versions of each choice."""
    best: dict[int, float] = {}
    seqs = seqs_of(found.ids)
    for choice in choices:
        mine = np.isin(seqs, np.array(choice, np.int64))
        best.update(best_of(Found(found.ids[mine], found.cosines[mine]), limit))
    return best
