"""Exact search by one matrix product, in memory: the reference for every other index.

A search works on a snapshot: rows are only ever appended, a removed row is marked in a fresh copy of
the ids, and a matrix with too many removed rows is rebuilt. So searches need no lock.
"""

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from .protocol import Found

__all__ = ["ExactIndex"]

_GONE = -1
_FIRST = 256
"""Rows of the first matrix; it doubles when full."""
_SMALL = 4096
"""Rows that are searched faster than a thread is woken (about .1 ms)."""


class ExactIndex:
    """All vectors in one matrix, compared one by one."""

    __slots__ = ("_count", "_ids", "_matrix", "_rows")

    def __init__(self, dimension: int) -> None:
        self._matrix = np.empty((_FIRST, dimension), np.float32)
        self._ids = np.full(_FIRST, _GONE, np.int64)
        self._rows: dict[int, int] = {}
        self._count = 0

    async def search(self, query: NDArray[np.float32], limit: int) -> Found:
        matrix, ids = self._matrix[: self._count], self._ids[: self._count]
        if self._count <= _SMALL:
            return _nearest(matrix, ids, query, limit)
        return await to_thread.run_sync(_nearest, matrix, ids, query, limit)

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        await self.delete(ids)
        self._reserve(len(ids))
        start, stop = self._count, self._count + len(ids)
        self._matrix[start:stop] = vectors
        self._ids[start:stop] = ids
        self._rows.update(zip(ids.tolist(), range(start, stop), strict=True))
        self._count = stop

    async def delete(self, ids: NDArray[np.int64]) -> None:
        rows = [self._rows.pop(one) for one in ids.tolist() if one in self._rows]
        if rows:
            self._ids = self._ids.copy()
            self._ids[rows] = _GONE
            if self._count > _FIRST and len(self._rows) < self._count // 2:
                self._rebuild(len(self._rows))

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        return any(one in self._rows for one in ids.tolist())

    async def count(self) -> int:
        return len(self._rows)

    async def aclose(self) -> None:
        self._matrix = self._matrix[:0]
        self._ids = self._ids[:0]
        self._rows = {}
        self._count = 0

    def _reserve(self, more: int) -> None:
        if self._count + more > len(self._ids):
            self._rebuild(max(2 * len(self._ids), self._count + more))

    def _rebuild(self, room: int) -> None:
        kept = np.flatnonzero(self._ids[: self._count] != _GONE)
        matrix = np.empty((max(room, _FIRST), self._matrix.shape[1]), np.float32)
        ids = np.full(len(matrix), _GONE, np.int64)
        matrix[: len(kept)] = self._matrix[kept]
        ids[: len(kept)] = self._ids[kept]
        self._matrix, self._ids, self._count = matrix, ids, len(kept)
        self._rows = dict(zip(ids[: len(kept)].tolist(), range(len(kept)), strict=True))


def _nearest(
    matrix: NDArray[np.float32], ids: NDArray[np.int64], query: NDArray[np.float32], limit: int
) -> Found:
    """Ties go to the larger id, which is the newer memory."""
    cosines = matrix @ query
    cosines[ids == _GONE] = -np.inf
    if limit < len(cosines):
        rows = np.argpartition(-cosines, limit - 1)[:limit]
    else:
        rows = np.arange(len(cosines))
    rows = rows[np.lexsort((-ids[rows], -cosines[rows]))]
    rows = rows[ids[rows] != _GONE]
    return Found(ids[rows], cosines[rows])
