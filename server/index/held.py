"""An index in memory: ids, and vectors in some layout, which says what is compared.

A search works on a snapshot: vectors are only ever appended, a removed one is marked in a fresh copy of
the ids, and a layout with too many removed ones is made anew. So searches need no lock; changes come
one after the other.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Protocol, Self

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..tasks import task_group
from .protocol import Found, last_of_each

__all__ = ["FIRST", "GONE", "HeldIndex", "Layout", "Near", "nearest_of"]

GONE = -1
"""In the place of an id that was removed."""
FIRST = 16
"""Vectors for which there is room at first; it grows by half when full. A thousand tenants may have one each."""
_CORES = os.cpu_count() or 1
_SMALL = 1024
"""Comparisons that are done faster than a thread is woken (.1 to .3 ms)."""

Choice = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Which of some ids are wanted."""


Near = Callable[[NDArray[np.float32], int], list[Found]]
"""For each query, shape (n, dimension), what may be among so many nearest, in no order; and perhaps what is GONE."""


class Layout(Protocol):
    """Vectors in places, with room for some more. Everything blocks."""

    at_once: int
    """Vectors that are stored faster than a thread is woken."""

    @property
    def room(self) -> int:
        """How many there is room for."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        ...

    def put(self, start: int, vectors: NDArray[np.float32]) -> None:
        """Store vectors, shape (n, dimension), from a place on."""
        ...

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors in these places, shape (n, dimension)."""
        ...

    def near(self, ids: NDArray[np.int64], queries: NDArray[np.float32], limit: int) -> list[Found]:
        """For each query what may be among the `limit` nearest, in no order. `ids` are those of the first
        places; what is GONE is at minus infinity, or left out."""
        ...

    def cosines(
        self, query: NDArray[np.float32], places: NDArray[np.int64], count: int
    ) -> NDArray[np.float32]:
        """Those to a query, shape (dimension,), in some of the first `count` places."""
        ...

    def kept(self, places: NDArray[np.int64], room: int) -> Self:
        """Another, with what is in these places."""
        ...


class HeldIndex:
    """All vectors in one layout, in memory."""

    __slots__ = ("_count", "_ids", "_layout", "_places")

    def __init__(self, layout: Layout) -> None:
        """`layout`: empty."""
        self._layout = layout
        self._ids = np.full(layout.room, GONE, np.int64)
        self._places: dict[int, int] = {}
        self._count = 0

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        near = self.at_hand()
        if self._count * len(queries) <= _SMALL:
            return _nearest(near, queries, limit, least)
        parts = np.array_split(queries, min(_CORES, len(queries)))
        found: list[list[Found]] = [[] for _ in parts]

        async def search(place: int) -> None:
            found[place] = await to_thread.run_sync(_nearest, near, parts[place], limit, least)

        async with task_group() as tasks:
            for place in range(len(parts)):
                tasks.start_soon(search, place)
        return [one for part in found for one in part]

    def at_hand(self) -> Near:
        """What compares with what is there now, for who is on a thread already."""
        return partial(self._layout.near, self._ids[: self._count])

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        ids, vectors = last_of_each(ids, vectors)
        await self.delete(ids)
        await self._reserve(len(ids))
        start, stop = self._count, self._count + len(ids)
        if len(ids) <= self._layout.at_once:
            self._layout.put(start, vectors)
        else:
            await to_thread.run_sync(self._layout.put, start, vectors)
        self._ids[start:stop] = ids
        self._places.update(zip(ids.tolist(), range(start, stop), strict=True))
        self._count = stop

    async def delete(self, ids: NDArray[np.int64]) -> None:
        places = [self._places.pop(one) for one in ids.tolist() if one in self._places]
        if places:
            self._ids = self._ids.copy()
            self._ids[places] = GONE
            if self._count > FIRST and len(self._places) < self._count // 2:
                await self._rebuild(len(self._places))

    async def among(self, query: NDArray[np.float32], chosen: Choice) -> Found:
        """Which of its ids are chosen, in no order, with their cosines to a query, shape (dimension,)."""
        cells = (self._layout, self._ids[: self._count], query, chosen)
        if self._count <= _SMALL:
            return _among(*cells)
        return await to_thread.run_sync(_among, *cells)

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        return any(one in self._places for one in ids.tolist())

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Those of the ids, shape (n, dimension), if it has all of them."""
        places = [self._places[one] for one in ids.tolist() if one in self._places]
        return self._layout.at(np.array(places, np.int64)) if len(places) == len(ids) else None

    async def count(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """Bytes of the layout."""
        return self._layout.nbytes

    async def aclose(self) -> None:
        self._layout = self._layout.kept(np.empty(0, np.int64), 0)
        self._ids = self._ids[:0]
        self._places = {}
        self._count = 0

    async def _reserve(self, more: int) -> None:
        if self._count + more > len(self._ids):
            await self._rebuild(max(len(self._ids) * 3 // 2, self._count + more))

    async def _rebuild(self, room: int) -> None:
        cells = (self._layout, self._ids[: self._count], max(room, FIRST))
        if self._count <= _SMALL:
            layout, ids = _kept(*cells)
        else:
            layout, ids = await to_thread.run_sync(_kept, *cells)
        # All at once: whoever looks a place up must find it in the layout that it is of.
        self._count = int(np.count_nonzero(ids != GONE))
        self._layout, self._ids = layout, ids
        self._places = dict(zip(ids.tolist(), range(self._count), strict=False))


def _kept(layout: Layout, ids: NDArray[np.int64], room: int) -> tuple[Layout, NDArray[np.int64]]:
    """A larger or smaller layout of what is not gone, and its ids."""
    places = np.flatnonzero(ids != GONE)
    kept = np.full(room, GONE, np.int64)
    kept[: len(places)] = ids[places]
    return layout.kept(places, room), kept


def _nearest(near: Near, queries: NDArray[np.float32], limit: int, least: float) -> list[Found]:
    return [nearest_of(found, limit, least) for found in near(queries, limit)]


def _among(
    layout: Layout, ids: NDArray[np.int64], query: NDArray[np.float32], chosen: Choice
) -> Found:
    places = np.flatnonzero(chosen(ids) & (ids != GONE))
    return Found(ids[places], layout.cosines(query, places, len(ids)))


def nearest_of(found: Found, limit: int, least: float = -1.0) -> Found:
    """The nearest of what was compared, nearest first. Ties go to the larger id, which is the newer memory."""
    ids, cosines = found
    # Rounding takes a cosine of -1 a little below it.
    least = least if least > -1 else -2
    if 0 < limit < len(ids):
        places = np.argpartition(cosines, -limit)[-limit:]
    else:
        places = np.arange(len(ids) if limit else 0)
    places = places[cosines[places] >= least]
    places = places[np.lexsort((-ids[places], -cosines[places]))]
    return Found(ids[places], cosines[places])
