"""Exact search by one matrix product, in memory: the reference for every other index.

The matrix has a column for each vector: read so, a cold matrix is multiplied in half the time. A
search works on a snapshot: columns are only ever appended, a removed one is marked in a fresh copy of
the ids, and a matrix with too many removed ones is rebuilt. So searches need no lock; changes come
one after the other.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..tasks import task_group
from .protocol import Found

__all__ = ["ExactIndex"]

_GONE = -1
_CORES = os.cpu_count() or 1
_FIRST = 16
"""Columns of the first matrix; it grows by half when full. A thousand tenants may have one each."""
_SMALL = 1024
"""Comparisons that are done faster than a thread is woken (.1 to .3 ms)."""
_PICKED = 20
"""Times as long as comparing a column among all others takes picking it out."""

Choice = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Which of some ids are wanted."""


class Search(Protocol):
    """As VectorIndex.search, but blocks."""

    def __call__(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]: ...


class ExactIndex:
    """All vectors in one matrix, compared one by one."""

    __slots__ = ("_columns", "_count", "_ids", "_matrix")

    def __init__(self, dimension: int, room: int = 0) -> None:
        """`room`: vectors for which no larger matrix need be made."""
        room = max(room, _FIRST)
        self._matrix = np.empty((dimension, room), np.float32)
        self._ids = np.full(room, _GONE, np.int64)
        self._columns: dict[int, int] = {}
        self._count = 0

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        nearest = self.at_hand()
        if self._count * len(queries) <= _SMALL:
            return nearest(queries, limit, least)
        parts = np.array_split(queries, min(_CORES, len(queries)))
        found: list[list[Found]] = [[] for _ in parts]

        async def search(place: int) -> None:
            found[place] = await to_thread.run_sync(nearest, parts[place], limit, least)

        async with task_group() as tasks:
            for place in range(len(parts)):
                tasks.start_soon(search, place)
        return [one for part in found for one in part]

    def at_hand(self) -> Search:
        """`search` over what is there now, for who is on a thread already."""
        return partial(_nearest, self._matrix[:, : self._count], self._ids[: self._count])

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        ids, vectors = _last(ids, vectors)
        await self.delete(ids)
        await self._reserve(len(ids))
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
                await self._rebuild(len(self._columns))

    async def among(self, query: NDArray[np.float32], chosen: Choice) -> Found:
        """Which of its ids are chosen, in no order, with their cosines to a query, shape (dimension,)."""
        cells = (self._matrix[:, : self._count], self._ids[: self._count], query, chosen)
        if self._count <= _SMALL:
            return _among(*cells)
        return await to_thread.run_sync(_among, *cells)

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        return any(one in self._columns for one in ids.tolist())

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Those of the ids, shape (n, dimension), if it has all of them."""
        columns = [self._columns[one] for one in ids.tolist() if one in self._columns]
        return self._matrix[:, columns].T if len(columns) == len(ids) else None

    async def count(self) -> int:
        return len(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix."""
        return self._matrix.nbytes

    async def aclose(self) -> None:
        self._matrix = self._matrix[:, :0]
        self._ids = self._ids[:0]
        self._columns = {}
        self._count = 0

    async def _reserve(self, more: int) -> None:
        if self._count + more > len(self._ids):
            await self._rebuild(max(len(self._ids) * 3 // 2, self._count + more))

    async def _rebuild(self, room: int) -> None:
        cells = (self._matrix, self._ids[: self._count], max(room, _FIRST))
        if self._count <= _SMALL:
            matrix, ids = _kept(*cells)
        else:
            matrix, ids = await to_thread.run_sync(_kept, *cells)
        # All at once: whoever looks a column up must find it in the matrix that it is of.
        self._count = int(np.count_nonzero(ids != _GONE))
        self._matrix, self._ids = matrix, ids
        self._columns = dict(zip(ids.tolist(), range(self._count), strict=False))


def _kept(
    matrix: NDArray[np.float32], ids: NDArray[np.int64], room: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A larger or smaller matrix of what is not gone, and its ids."""
    columns = np.flatnonzero(ids != _GONE)
    made = np.empty((len(matrix), room), np.float32)
    made[:, : len(columns)] = matrix[:, columns]
    kept = np.full(room, _GONE, np.int64)
    kept[: len(columns)] = ids[columns]
    return made, kept


def _nearest(
    matrix: NDArray[np.float32],
    ids: NDArray[np.int64],
    queries: NDArray[np.float32],
    limit: int,
    least: float = -1.0,
) -> list[Found]:
    cosines = queries @ matrix
    cosines[:, ids == _GONE] = -np.inf
    return [_best(ids, row, limit, least) for row in cosines]


def _among(
    matrix: NDArray[np.float32],
    ids: NDArray[np.int64],
    query: NDArray[np.float32],
    chosen: Choice,
) -> Found:
    columns = np.flatnonzero(chosen(ids) & (ids != _GONE))
    if len(columns) * _PICKED < len(ids):
        return Found(ids[columns], query @ matrix[:, columns])
    return Found(ids[columns], (query @ matrix)[columns])


def _best(ids: NDArray[np.int64], cosines: NDArray[np.float32], limit: int, least: float) -> Found:
    """Ties go to the larger id, which is the newer memory."""
    # Rounding takes a cosine of -1 a little below it.
    places = np.flatnonzero(cosines >= (least if least > -1 else -2))
    if not limit:
        places = places[:0]
    elif limit < len(places):
        places = places[np.argpartition(cosines[places], -limit)[-limit:]]
    places = places[np.lexsort((-ids[places], -cosines[places]))]
    return Found(ids[places], cosines[places])


def _last(
    ids: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Without the earlier ones of ids that are there several times."""
    last = {one: place for place, one in enumerate(ids.tolist())}
    if len(last) == len(ids):
        return ids, vectors
    places = list(last.values())
    return ids[places], vectors[places]
