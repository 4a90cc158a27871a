"""Which memories are near: the hot tier. Warm and cold are columns of the ledger.

Above stands the engine, which hands in the most active memories; below stand the model values.
Activation and its order are the ledger's (`ledger.active`); transitions and eviction come with
the tiers' own issue.
"""

from .hot import HotTier, choose_hot

__all__ = ["HotTier", "choose_hot"]
