"""How near memories are kept: activation, the hot tier, and who leaves the warm one for the cold.

Above stands the engine, which reads what is held, asks here who moves, and has the ledger move it;
below stand the model values. All here only computes: the rules are in ARCHITECTURE.md, "Tiers".
"""

from .activation import base_level
from .budget import Budget, Size, Warmth, leaving
from .eviction import Eviction, Held, eviction_of
from .hot import HotTier, choose_hot
from .retention import Kept, Retention, Rule, retention_of

__all__ = [
    "Budget",
    "Eviction",
    "Held",
    "HotTier",
    "Kept",
    "Retention",
    "Rule",
    "Size",
    "Warmth",
    "base_level",
    "choose_hot",
    "eviction_of",
    "leaving",
    "retention_of",
]
