"""Exact search by one matrix product, in memory: the reference for every other index.

The matrix has a column for each vector: read so, a cold matrix is multiplied in half the time. A
search works on a snapshot: columns are only ever appended, a removed one is marked in a fresh copy of
the ids, and a matrix with too many removed ones is rebuilt. So searches need no lock.
"""

import os

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..tasks import task_group
from .protocol import Found

__all__ = ["ExactIndex"]

_GONE = -1
_CORES = os.cpu_count() or 1
_FIRST = 256
"""Columns of the first matrix; it grows by half when full."""
_SMALL = 1024
"""Comparisons that are done faster than a thread is woken (about .1 ms)."""


class ExactIndex:
    """All vectors in one matrix, compared one by one."""

    __slots__ = ("_columns", "_count", "_ids", "_matrix")

    def __init__(self, dimension: int) -> None:
        self._matrix = np.empty((dimension, _FIRST), np.float32)
        self._ids = np.full(_FIRST, _GONE, np.int64)
        self._columns: dict[int, int] = {}
        self._count = 0

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        matrix, ids = self._matrix[:, : self._count], self._ids[: self._count]
        if self._count * len(queries) <= _SMALL:
            return _nearest(matrix, ids, queries, limit, least)
        parts = np.array_split(queries, min(_CORES, len(queries)))
        found: list[list[Found]] = [[] for _ in parts]

        async def search(place: int) -> None:
            cells = (matrix, ids, parts[place], limit, least)
            found[place] = await to_thread.run_sync(_nearest, *cells)

        async with task_group() as tasks:
            for place in range(len(parts)):
                tasks.start_soon(search, place)
        return [one for part in found for one in part]

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        await self.delete(ids)
        self._reserve(len(ids))
        start, stop = self._count, self._count + len(ids)
        self._matrix[:, start:stop] = vectors.T
        self._ids[start:stop] = ids
        self._columns.update(zip(ids.tolist(), range(start, stop), strict=True))
        self._count = stop

    async def delete(self, ids: NDArray[np.int64]) -> None:
        columns = [self._columns.pop(one) for one in ids.tolist() if one in self._columns]
        if columns:
            self._ids = self._ids.copy()
            self._ids[columns] = _GONE
            if self._count > _FIRST and len(self._columns) < self._count // 2:
                self._rebuild(len(self._columns))

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        return any(one in self._columns for one in ids.tolist())

    async def count(self) -> int:
        return len(self._columns)

    async def aclose(self) -> None:
        self._matrix = self._matrix[:, :0]
        self._ids = self._ids[:0]
        self._columns = {}
        self._count = 0

    def _reserve(self, more: int) -> None:
        if self._count + more > len(self._ids):
            self._rebuild(max(len(self._ids) * 3 // 2, self._count + more))

    def _rebuild(self, room: int) -> None:
        kept = np.flatnonzero(self._ids[: self._count] != _GONE)
        matrix = np.empty((len(self._matrix), max(room, _FIRST)), np.float32)
        ids = np.full(matrix.shape[1], _GONE, np.int64)
        matrix[:, : len(kept)] = self._matrix[:, kept]
        ids[: len(kept)] = self._ids[kept]
        self._matrix, self._ids, self._count = matrix, ids, len(kept)
        self._columns = dict(zip(ids[: len(kept)].tolist(), range(len(kept)), strict=True))


def _nearest(
    matrix: NDArray[np.float32],
    ids: NDArray[np.int64],
    queries: NDArray[np.float32],
    limit: int,
    least: float,
) -> list[Found]:
    cosines = queries @ matrix
    cosines[:, ids == _GONE] = -np.inf
    return [_best(ids, row, limit, least) for row in cosines]


def _best(ids: NDArray[np.int64], cosines: NDArray[np.float32], limit: int, least: float) -> Found:
    """Ties go to the larger id, which is the newer memory."""
    # Rounding takes a cosine of -1 a little below it.
    places = np.flatnonzero(cosines >= (least if least > -1 else -2))
    if limit < len(places):
        places = places[np.argpartition(cosines[places], -limit)[-limit:]]
    places = places[np.lexsort((-ids[places], -cosines[places]))]
    return Found(ids[places], cosines[places])
