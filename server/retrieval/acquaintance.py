"""One tenant's traits, read when they are first needed and kept up with its writes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import anyio
from anyio import to_thread

from ..ledger import TenantLedger
from ..model import from_micros
from .people import People
from .traits import Row, Traits

__all__ = ["Acquaintance"]

_PAGE = 2000


class Acquaintance:
    """What is known of a tenant's memories and people, without reading them again."""

    __slots__ = ("_begun", "_fresh", "_gone", "_ledger", "_lock", "_people", "_traits")

    def __init__(self, ledger: TenantLedger) -> None:
        self._ledger = ledger
        self._lock = anyio.Lock()
        self._traits: Traits | None = None
        self._begun = False
        self._gone: set[int] = set()
        """Replaced or forgotten since."""
        self._fresh: set[int] = set()
        """Written or restored since, and not taken in yet."""
        self._people: tuple[int, People] = (0, People(()))

    def changed(self, removed: Iterable[int], added: Iterable[int]) -> None:
        """Note a committed write, by the seqs of the versions, what it removed before what it added; it is
        taken in with the next question."""
        if not self._begun:
            return
        gone, fresh = set(removed), set(added)
        self._gone = (self._gone | gone) - fresh
        self._fresh = (self._fresh - gone) | fresh

    async def traits(self, seqs: Sequence[int] = ()) -> Traits:
        """The traits of all current memories, and of these versions as far as they exist."""
        known = self._traits
        if known is not None and not (self._fresh or self._gone or known.missing(seqs)):
            return known
        async with self._lock:
            if self._traits is None:
                self._begun = True
                self._traits = await self._read_all()
            traits = self._traits
            fresh = list(self._fresh)
            if wanted := traits.not_current(fresh):
                traits.add([Row(*row) for row in await self._ledger.traits(wanted)])
            self._fresh.difference_update(fresh)
            if self._gone:
                traits.remove(sorted(self._gone))
                self._gone.clear()
            if other := traits.missing(seqs):
                rows = await self._ledger.traits(other)
                traits.add([Row(*row) for row in rows], current=False)
            return traits

    async def people(self) -> People:
        """The people who speak in the memories."""
        speakers = (await self.traits()).speakers
        count, people = self._people
        if count != len(speakers):
            people = People(speakers)
            self._people = len(speakers), people
        return people

    async def extent(self) -> tuple[datetime, datetime]:
        """The first and the last time that a memory is of."""
        first, last = (await self.traits()).extent
        return from_micros(first), from_micros(last)

    async def _read_all(self) -> Traits:
        traits, seqs = Traits(), await self._ledger.current_seqs()
        for start in range(0, len(seqs), _PAGE):
            # In pages by their seqs: a page "after a seq" is sorted out of all that are left.
            rows = await self._ledger.traits(seqs[start : start + _PAGE])
            await to_thread.run_sync(traits.add, [Row(*row) for row in rows])
        return traits
