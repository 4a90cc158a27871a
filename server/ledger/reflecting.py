"""A tenant's consolidation: what a cycle must know, and the cycle itself. `TenantLedger.cycles`."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, case, select

from ..model import Cycle, Tier
from . import cycles, derived, outbox
from .audit import Deeds
from .cycles import Done, Plan
from .derived import Stale
from .jobs import Do
from .prepared import Prepared, prepare
from .readers import Readers
from .tables import memories
from .vectors import Delta
from .writer import Writer

__all__ = ["CycleLedger"]

_PAGE = 5000
_m = memories.c


class CycleLedger:
    """One tenant's cycles. Nothing here decides what is merged, summed up or retired."""

    __slots__ = ("_cells", "_come_back", "_deeds", "_feeding", "_readers", "_tenant", "_writer")

    def __init__(
        self,
        tenant: int,
        model: int,
        dimension: int,
        readers: Readers,
        writer: Writer,
        *,
        feeding: bool,
        come_back: Callable[[], None],
        deeds: Deeds,
    ) -> None:
        """`come_back` is called when old versions may be seen again."""
        self._tenant = tenant
        self._cells = (tenant, model, dimension)
        self._readers = readers
        self._writer = writer
        self._feeding = feeding
        self._come_back = come_back
        self._deeds = deeds

    async def kept(self) -> AsyncGenerator[list[tuple[Any, ...]]]:
        """All memories that are neither pinned nor deleted, some at a time: seq, id, namespace, whether
        cold, when remembered, when last used, when they ceased to hold."""
        after = 0
        while True:
            values = {"tenant": self._tenant, "after": after, "limit": _PAGE}
            rows = await self._readers.fetch(_kept(), values)
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    async def stale(self) -> list[Stale]:
        """Live derived memories of which a source is not what it was."""
        found = await self._readers.fetch(derived.stale(), {"tenant": self._tenant})
        return [(seq, name, source) for seq, name, source in found]

    async def spoken_for(self) -> set[str]:
        """Memories that are not to be summed up: summaries, and what is in one already."""
        found = await self._readers.fetch(derived.spoken_for(), {"tenant": self._tenant})
        return {name for (name,) in found}

    async def undone_merges(self) -> set[tuple[str, str]]:
        """Which memory is not to be superseded by which, since that was undone."""
        found = await self._readers.fetch(cycles.undone_merges(), {"tenant": self._tenant})
        return {(memory, other) for memory, other in found}

    async def sources(self, memory: str) -> list[str]:
        """What a memory is derived from."""
        values = {"tenant": self._tenant, "id": memory}
        return [name for (name,) in await self._readers.fetch(derived.sources(), values)]

    async def log(self, limit: int) -> list[Cycle]:
        """The last cycles, newest first."""
        values = {"tenant": self._tenant, "limit": limit}
        found = await self._readers.fetch(cycles.log(), values)
        return [
            Cycle(id=number, at=at, summary=summary, undone_at=undone)
            for number, at, summary, undone in found
        ]

    async def apply(
        self, plan: Plan, now: datetime, until: datetime, summary: str
    ) -> tuple[Done, Delta]:
        """Do what is planned, in one transaction; what was changed since it was looked at stays."""
        tenant, model, _ = self._cells

        noting = self._deeds.noting("reflect")

        def job(connection: Connection) -> tuple[Done, Delta]:
            done = cycles.apply(connection, tenant, model, plan, now, until, summary)
            noting(connection, sorted(done.ids))
            return self._ended(connection, done)

        return await self._writer.write(Do(job))

    async def undo(self, now: datetime, until: datetime) -> tuple[Done, Delta]:
        """Take back the last cycle that was not taken back yet."""
        tenant, model, _ = self._cells

        noting = self._deeds.noting("undo")

        def job(connection: Connection) -> tuple[Done, Delta]:
            done = cycles.undo(connection, tenant, model, now, until)
            noting(connection, sorted(done.ids))
            return self._ended(connection, done)

        undone = await self._writer.write(Do(job))
        self._come_back()
        return undone

    def _ended(self, connection: Connection, done: Done) -> tuple[Done, Delta]:
        delta = done.delta(connection, *self._cells)
        if self._feeding:
            outbox.append(connection, self._tenant, delta)
        return done, delta


@cache
def _kept() -> Prepared:
    # What another took the place of ceased to hold then, whatever it said of its end.
    cold = case((_m.tier == Tier.COLD, 1), else_=0)
    columns = (_m.seq, _m.id, _m.namespace, cold, _m.remembered_at, _m.used_at, _m.valid_until)
    where = (
        _m.tenant == bindparam("tenant"),
        _m.replaced_at.is_(None),
        _m.deleted_at.is_(None),
        ~_m.pinned,
        _m.seq > bindparam("after", type_=Integer()),
    )
    statement = select(*columns).where(*where).order_by(_m.seq)
    return prepare(statement.limit(bindparam("limit", type_=Integer())))
