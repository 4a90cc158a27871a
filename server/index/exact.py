"""Exact search by one matrix product: the reference for every other index.

The matrix has a column for each vector: read so, a cold matrix is multiplied in half the time.
"""

import numpy as np
from numpy.typing import NDArray

from .held import FIRST, GONE, HeldIndex
from .protocol import Found

__all__ = ["ExactIndex"]

_PICKED = 20
"""Times as long as comparing a column among all others takes picking it out."""


class ExactIndex(HeldIndex):
    """All vectors in one matrix, compared one by one."""

    __slots__ = ()

    def __init__(self, dimension: int, room: int = 0) -> None:
        """`room`: vectors for which no larger matrix need be made."""
        super().__init__(_Columns(np.empty((dimension, max(room, FIRST)), np.float32)))


class _Columns:
    __slots__ = ("_matrix",)

    at_once = 4096

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        self._matrix = matrix

    @property
    def room(self) -> int:
        return self._matrix.shape[1]

    @property
    def nbytes(self) -> int:
        return self._matrix.nbytes

    def put(self, start: int, vectors: NDArray[np.float32]) -> None:
        self._matrix[:, start : start + len(vectors)] = vectors.T

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._matrix[:, places].T

    def near(self, ids: NDArray[np.int64], queries: NDArray[np.float32], limit: int) -> list[Found]:
        cosines = queries @ self._matrix[:, : len(ids)]
        cosines[:, ids == GONE] = -np.inf
        return [Found(ids, row) for row in cosines]

    def cosines(
        self, query: NDArray[np.float32], places: NDArray[np.int64], count: int
    ) -> NDArray[np.float32]:
        if len(places) * _PICKED < count:
            return query @ self._matrix[:, places]
        return (query @ self._matrix[:, :count])[places]

    def kept(self, places: NDArray[np.int64], room: int) -> "_Columns":
        made = np.empty((len(self._matrix), room), np.float32)
        made[:, : len(places)] = self._matrix[:, places]
        return _Columns(made)
