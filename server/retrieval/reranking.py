"""The best candidates in the order of a reranker, where there is one."""

from collections.abc import Sequence

import numpy as np

from ..embedding import Reranker

__all__ = ["RERANKED", "reranked"]

RERANKED = 30
"""Candidates that it reads: each costs a run of its model."""


async def reranked(reranker: Reranker, question: str, texts: Sequence[str]) -> list[int]:
    """The places of texts, given best first, in the reranker's order; those beyond the first 30 stay
    where they are. Of equals the one that was better stays before. Raises ModelError."""
    scores = await reranker.scores(question, texts[:RERANKED])
    order = np.argsort(-scores, kind="stable").tolist()
    return [*order, *range(len(order), len(texts))]
