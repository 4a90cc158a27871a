"""Recall's pipeline: candidates, fusion, relevance, budget.

Above stands the engine, which asks one question at a time; below stand the ledger, the index, the
embedder and the token counter. Nothing here writes.
"""

from .dense import Dense
from .fusion import fuse
from .recall import Retriever
from .relevance import FLOOR

__all__ = ["FLOOR", "Dense", "Retriever", "fuse"]
