"""Episodes of one topic: leader clustering (Hartigan, Clustering Algorithms, 1975, ch. 3).

In the order of time each episode joins the cluster whose mean is nearest, if it is near enough, or
begins one. One pass, the same clusters on every run, and no number of clusters to be guessed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["clusters_of"]

_NEAR = 0.5
"""Cosine to the mean. Of short texts under MiniLM, two of a topic have .4 to .8, any others below .3."""
_MOST = 30
"""Of one cluster: a summary of more says little of each."""


def clusters_of(vectors: NDArray[np.float32], least: int) -> list[Sequence[int]]:
    """The places of the episodes of each cluster of at least so many, largest first. `vectors`, shape
    (n, dimension), are of unit length and in the order of time."""
    sums = np.empty_like(vectors)
    members: list[list[int]] = []
    for place, vector in enumerate(vectors):
        joined = _nearest(sums[: len(members)], members, vector)
        if joined is None:
            sums[len(members)] = vector
            members.append([place])
        else:
            sums[joined] += vector
            members[joined].append(place)
    large = [one for one in members if len(one) >= least]
    return sorted(large, key=lambda one: (-len(one), one[0]))


def _nearest(
    sums: NDArray[np.float32], members: list[list[int]], vector: NDArray[np.float32]
) -> int | None:
    if not len(sums):
        return None
    cosines = sums @ vector / np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    cosines[[len(one) >= _MOST for one in members]] = -1.0
    best = int(np.argmax(cosines))
    return best if cosines[best] >= _NEAR else None
