"""What memories have in common: statements said twice, and episodes of one topic.

Above stands the engine, which reads the memories, asks here, and has the ledger write what came of it
in one transaction; below stand the model values. All here only computes, without any language model.
"""

from .clusters import clusters_of
from .duplicates import Statement, groups_of, same, statement_of
from .summary import compose, pick, sentences_of

__all__ = [
    "Statement",
    "clusters_of",
    "compose",
    "groups_of",
    "pick",
    "same",
    "sentences_of",
    "statement_of",
]
