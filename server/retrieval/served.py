"""A generation of the index together with what is not in it yet, which is searched exactly."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import numpy as np
from numpy.typing import NDArray

from ..errors import IndexDamaged
from ..index import ExactIndex, Found, VectorIndex
from ..ledger import IndexLedger, OutboxRow
from ..tasks import task_group

__all__ = ["Net", "Served", "check", "merged", "net", "serve"]

_PAGE = 2000
_LOOKS = 3
"""An erasure between two of the ledger's numbers makes them disagree for a moment."""


class Net(NamedTuple):
    """What a stretch of the outbox comes to: passage ids."""

    removed: list[int]
    added: list[int]


def net(rows: Iterable[OutboxRow]) -> Net:
    """The last change of each passage is the one that counts."""
    last = {row.passage: row.added for row in rows}
    removed = [one for one, added in last.items() if not added]
    return Net(removed, [one for one, added in last.items() if added])


class Served:
    """What is searched for a large tenant. Changes are applied as they are committed."""

    __slots__ = ("_changed", "_closing", "_generation", "_idle", "_tail", "_users")

    def __init__(self, generation: VectorIndex, tail: ExactIndex, changed: set[int]) -> None:
        self._generation = generation
        self._tail = tail
        self._changed = changed
        """Passages of which the tail knows better."""
        self._users = 0
        self._closing = False
        self._idle = anyio.Event()

    async def search(self, queries: NDArray[np.float32], limit: int, least: float) -> list[Found]:
        """As VectorIndex.search. Raises IndexFailed."""
        recent: list[Found] = []

        async def compare() -> None:
            recent.extend(await self._tail.search(queries, limit, least))

        async with self._used(), task_group() as tasks:
            tasks.start_soon(compare)
            indexed = await self._unchanged(queries, limit, least)
        return [merged(*pair, limit) for pair in zip(indexed, recent, strict=True)]

    async def apply(
        self, removed: NDArray[np.int64], ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        """Take in a committed write: what is removed, then what is added."""
        self._changed.update(removed.tolist())
        self._changed.update(ids.tolist())
        await self._tail.delete(removed)
        await self._tail.upsert(ids, vectors)

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        """Whether any of the passages can be found. Raises IndexFailed."""
        unchanged = [one for one in ids.tolist() if one not in self._changed]
        async with self._used():
            return await self._tail.holds(ids) or (
                bool(unchanged) and await self._generation.holds(np.array(unchanged, np.int64))
            )

    async def aclose(self) -> None:
        """Close the generation, after the searches that are under way."""
        with anyio.CancelScope(shield=True):
            self._closing = True
            if self._users:
                await self._idle.wait()
            await self._generation.aclose()

    @asynccontextmanager
    async def _used(self) -> AsyncGenerator[None]:
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._closing and not self._users:
                self._idle.set()

    async def _unchanged(
        self, queries: NDArray[np.float32], limit: int, least: float
    ) -> list[Found]:
        """What the generation finds that is as it was when it was built, as much as was asked for."""
        most = limit + len(self._changed)
        # Most of what changed is new, and not in the generation at all.
        wanted = limit
        while True:
            found = await self._generation.search(queries, wanted, least)
            kept = [self._without_changed(one) for one in found]
            short = any(
                len(good.ids) < limit and len(one.ids) == wanted
                for good, one in zip(kept, found, strict=True)
            )
            if not short or wanted == most:
                return kept
            wanted = min(most, wanted * 4)

    def _without_changed(self, found: Found) -> Found:
        if not self._changed:
            return found
        keep = [one not in self._changed for one in found.ids.tolist()]
        return Found(found.ids[keep], found.cosines[keep])


async def check(ledger: IndexLedger, generation: VectorIndex, after: int) -> None:
    """Compare a generation that was fed up to `after` with the ledger.

    Raises:
        IndexDamaged: it holds more or less than the ledger can explain.
    """
    held, expected = await generation.count(), 0
    for _ in range(_LOOKS):
        before = await ledger.pending_count(after)
        expected = await ledger.count()
        if abs(held - expected) <= max(before, await ledger.pending_count(after)):
            return
    raise IndexDamaged(f"it holds {held:,} vectors where the ledger has {expected:,}")


async def serve(ledger: IndexLedger, generation: VectorIndex, dimension: int, after: int) -> Served:
    """A generation that was fed up to `after`, and all that came since."""
    changed: set[int] = set()
    tail = ExactIndex(dimension)
    rows: list[OutboxRow] = []
    while page := await ledger.pending(rows[-1].id if rows else after, _PAGE):
        rows += page
    removed, added = net(rows)
    changed.update(removed, added)
    for start in range(0, len(added), _PAGE):
        found = await ledger.rows(added[start : start + _PAGE])
        await tail.upsert(found.ids, found.vectors)
    return Served(generation, tail, changed)


def merged(one: Found, other: Found, limit: int) -> Found:
    """The nearest of two lists without an id in common."""
    if not len(other.ids):
        return Found(one.ids[:limit], one.cosines[:limit])
    ids = np.concatenate([one.ids, other.ids])
    cosines = np.concatenate([one.cosines, other.cosines])
    order = np.lexsort((-ids, -cosines))[:limit]
    return Found(ids[order], cosines[order])
