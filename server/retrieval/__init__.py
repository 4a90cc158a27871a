"""Recall's pipeline: the question, candidates, ranking, relevance, budget.

Above stands the engine, which asks one question at a time; below stand the ledger, the index, the
embedder and the token counter. Nothing here writes.
"""

from .acquaintance import Acquaintance
from .cached import Answers, Cached, Recalls
from .choice import Choice
from .dense import Dense
from .matrices import Matrices
from .recall import Retriever
from .served import net

__all__ = [
    "Acquaintance",
    "Answers",
    "Cached",
    "Choice",
    "Dense",
    "Matrices",
    "Recalls",
    "Retriever",
    "net",
]
