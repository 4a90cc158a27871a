"""One tenant's full text: sought in FTS5, or by postings in memory where there are many versions.

Postings are made behind the answers (`renew`), and made anew when much has come since. Nothing depends on
them but time, and how many versions are ranked of a question whose words are everywhere.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import anyio
from anyio import to_thread

from ..tasks import task_group
from .postings import Postings
from .ranking import Match, absent, search
from .readers import Readers
from .summing import best_of, newer
from .vocabulary import read_postings, stems
from .where import Sight

__all__ = ["Held", "Words"]

_BUDGET = 128 << 20
"""Bytes of postings, of all tenants: 100,000 short memories take 13 MB, long ones 40."""
_FROM = 1000
"""Versions from which postings are held, and so many newer ones from which they are made anew; fewer are ranked
by FTS5 in a millisecond."""
_YIELDING = 3.0
"""Seconds after which a reading ends when something of any tenant is erased: an erasure waits 5 for readers, until
it can empty the log."""
_PAUSE = 20
"""Times as long as making them took, until they are made again, whatever became of them."""


class Held:
    """The postings of all tenants, within a budget: whose were not used for the longest go first."""

    __slots__ = ("_held", "budget", "erasures")

    def __init__(self, budget: int = _BUDGET) -> None:
        """`budget` in bytes."""
        self.budget = budget
        self.erasures = 0
        """How often something was erased, of any tenant."""
        self._held: OrderedDict[object, Postings] = OrderedDict()

    def get(self, owner: object) -> Postings | None:
        """The owner's, if they are held; they count as used."""
        if (postings := self._held.get(owner)) is not None:
            self._held.move_to_end(owner)
        return postings

    def __contains__(self, owner: object) -> bool:
        """Whether the owner's are held."""
        return owner in self._held

    def put(self, owner: object, postings: Postings) -> None:
        """Hold these, and others no longer if it must be."""
        self._held[owner] = postings
        self._held.move_to_end(owner)
        while sum(one.nbytes for one in self._held.values()) > self.budget:
            self._held.popitem(last=False)

    def drop(self, owner: object) -> None:
        """Hold the owner's no longer."""
        self._held.pop(owner, None)


class Words:
    """Made by the tenant's ledger."""

    __slots__ = (
        "_asked",
        "_dropped",
        "_held",
        "_path",
        "_readers",
        "_rested",
        "_tenant",
        "_too_many",
    )

    def __init__(self, tenant: int, path: Path, readers: Readers, held: Held) -> None:
        self._tenant = tenant
        self._path = path
        self._readers = readers
        self._held = held
        self._asked = False
        self._rested = 0.0
        """When they may be made again, by the loop's clock."""
        self._dropped = 0
        self._too_many = False

    async def match(self, question: str, sights: Sequence[Sight], limit: int) -> list[list[Match]]:
        """For each sight the best versions by BM25, best first. Raises StoreError."""
        self._asked = True
        tenant, postings = self._tenant, self._held.get(self)
        if postings is not None:
            cells = (postings, question, sights, limit)
            return await self._readers.ask(lambda fetch: best_of(fetch, tenant, *cells))
        found: list[list[Match]] = [[] for _ in sights]

        async def ask(place: int) -> None:
            cells = (question, sights[place], limit)
            found[place] = await self._readers.ask(lambda fetch: search(fetch, tenant, *cells))

        async with task_group() as tasks:
            for place in range(len(sights)):
                tasks.start_soon(ask, place)
        return found

    @property
    def held(self) -> bool:
        """Whether postings are."""
        return self in self._held

    async def absent(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts, names or phrases, that occur nowhere in what is remembered."""
        return await self._readers.ask(lambda fetch: absent(fetch, self._tenant, texts))

    async def renew(self) -> None:
        """Hold postings, if there was a question and much is not in them. Raises StoreError."""
        began = anyio.current_time()
        if not self._asked or self._too_many or began < self._rested:
            return
        self._asked = False
        dropped, tenant, most = self._dropped, self._tenant, self._held.budget
        after, many = self._last, _FROM
        if await self._readers.ask(lambda fetch: newer(fetch, tenant, after, many)) < many:
            return
        erasures = self._held.erasures

        def stopped(seconds: float) -> bool:
            disturbed = seconds > _YIELDING and erasures != self._held.erasures
            return disturbed or dropped != self._dropped

        made = await to_thread.run_sync(read_postings, self._path, tenant, most, stopped)
        if dropped == self._dropped and (made is not None or erasures == self._held.erasures):
            self._hold(made)
        ended = anyio.current_time()
        self._rested = max(self._rested, ended + _PAUSE * (ended - began))

    def drop(self) -> None:
        """Hold nothing, nor what is being made now: something was erased."""
        self._dropped += 1
        self._held.erasures += 1
        self._too_many = False
        self._held.drop(self)
        # Who asks for what is erased says its words.
        stems().forget()

    def close(self) -> None:
        """Hold nothing from now on."""
        self.drop()
        self._rested = math.inf

    @property
    def _last(self) -> int:
        """The newest version that is in them."""
        return 0 if (postings := self._held.get(self)) is None else postings.last

    def _hold(self, made: Postings | None) -> None:
        self._too_many = made is None
        if made is None:
            self._held.drop(self)
        else:
            self._held.put(self, made)
