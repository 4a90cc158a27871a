"""Maximal marginal relevance (Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking", 1998): what
says much the same as something before it gives way to what says something else.

Off unless it is set: on public conversations the evidence of a question is often several turns that are like
each other, and every share of diversity costs recall (`tests/benchmarks/recall.md`).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["diverse"]


def diverse(worth: Sequence[float], vectors: NDArray[np.float32], diversity: float) -> list[int]:
    """The order of memories that are given best first, of which each in turn is the best by
    `(1 - diversity) * worth - diversity * cosine` to the nearest of those before it; worth as a share of the best.

    Args:
        worth: falling.
        vectors: of unit length, shape (n, dimension); zeros for a memory without one.
        diversity: from 0, the order as it is, to 1.
    """
    best = max(worth, default=0.0)
    shares = (1 - diversity) * np.array(worth) / (best if best > 0 else 1.0)
    near = np.zeros(len(worth))
    left = list(range(len(worth)))
    order: list[int] = []
    while left:
        chosen = max(left, key=lambda one: (shares[one] - diversity * near[one], -one))
        left.remove(chosen)
        order.append(chosen)
        near = np.maximum(near, vectors @ vectors[chosen])
    return order
