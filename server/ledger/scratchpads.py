"""A tenant's scratchpads: `TenantLedger.pads`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from ..errors import LociError
from ..model import Decision, NewNote, Note, new_note_id
from . import audit
from . import scratchpad_rows as rows
from .jobs import Do, Store
from .readers import Readers
from .rows import NewMemory
from .scratchpad_erase import existing, selected
from .scratchpad_rows import LEAST, PadSize
from .tables import notes, pads, promotions
from .vectors import Delta
from .where import one_of
from .writer import Writer
from .writes import Stored

__all__ = ["Decided", "KeptPad", "Overtaken", "PadLedger"]

T = TypeVar("T")

_n, _d, _q = notes.c, pads.c, promotions.c
_ROOM = 4
"""A full pad gives up one part in so many, lest each of its next notes makes it give up one."""


class Overtaken(LociError):
    """What was decided on is not as it was: decide again."""


class KeptPad(NamedTuple):
    """A pad as it was read: all its notes, oldest first."""

    newest: int
    """Seq of the last note that was ever written into it."""
    dropped: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is to be recorded of a session's notes, in one transaction with the memories."""

    session: str
    promoted: Sequence[str] = ()
    """Notes that become memories, in the order of these."""
    same: Mapping[str, str] = field(default_factory=dict[str, str])
    """Notes that say what one of the promoted says, by their ids."""
    decisions: Mapping[str, Decision]
    """Those that are new or other than before, by note."""
    settles: int | None = None
    """With this as its newest note the session is over."""


class PadLedger:
    """Reads and writes the notes of one tenant. Each write returns after its commit."""

    __slots__ = ("_deeds", "_feeding", "_model", "_readers", "_tenant", "_writer")

    def __init__(
        self,
        tenant: int,
        model: int,
        readers: Readers,
        writer: Writer,
        *,
        feeding: bool,
        deeds: audit.Deeds,
    ) -> None:
        self._deeds = deeds
        self._tenant = tenant
        self._model = model
        self._readers = readers
        self._writer = writer
        self._feeding = feeding

    async def read(self, session: str) -> KeptPad:
        """The notes of a session; none if there are none."""
        values = {"tenant": self._tenant, "session": session}
        found = await self._readers.fetch(rows.pad_row(), values)
        if not found:
            return KeptPad(0, 0, ())
        pad, newest, dropped = found[0]
        # A note written in between is newer than `newest`, and keeps the session from being over.
        listed = await self._readers.fetch(rows.listed(), {"pad": pad})
        return KeptPad(newest, dropped, tuple(rows.note_of(cells) for cells in listed))

    async def sessions(self, prefix: str, limit: int) -> list[str]:
        """Sessions that start so and have notes, last written first."""
        values = {"tenant": self._tenant, "prefix": prefix, "limit": limit}
        return [one for (one,) in await self._readers.fetch(rows.sessions(), values)]

    async def due(self, idle: datetime) -> list[str]:
        """Sessions that have ended, or were last written at `idle` or before, and are not settled."""
        values = {"tenant": self._tenant, "idle": idle}
        return [one for (one,) in await self._readers.fetch(rows.due(), values)]

    async def first_due(self) -> datetime | None:
        """When the first of the sessions that are not settled was last written."""
        ((first,),) = await self._readers.fetch(rows.first_due(), {"tenant": self._tenant})
        return first

    async def write(
        self, new: NewNote, now: datetime, limit: int, *, making_room: bool
    ) -> tuple[str, PadSize] | None:
        """Write a note; its id, and how much there is. None: it does not fit, and nothing was done.

        Making room lets the oldest notes go, of those that were decided on.
        """
        name = new_note_id()
        cost = max(len(new.content), LEAST)
        noting = self._deeds.noting("note")

        def job(connection: Connection) -> tuple[str, PadSize] | None:
            pad = rows.pad_of(connection, self._tenant, new.session, now)
            size = rows.size_of(connection, pad)
            over = size.characters + cost - limit
            if over > 0 and not (
                making_room and rows.spare(connection, pad, over, over + limit // _ROOM)
            ):
                return None
            rows.add_note(connection, self._tenant, pad, name, new, now)
            noting(connection, [name])
            return name, rows.size_of(connection, pad)

        return await self._write(job)

    async def used(self, uses: Mapping[str, int]) -> None:
        """Count reads, by note."""
        statement = (
            update(notes)
            .where(_n.tenant == self._tenant, _n.id == bindparam("one"))
            .values(uses=_n.uses + bindparam("more"))
        )
        values = [{"one": name, "more": more} for name, more in uses.items()]
        await self._write(lambda c: c.execute(statement, values))

    async def end(self, sessions: Sequence[str]) -> None:
        """Note that sessions are over, until they are written again."""
        where = (_d.tenant == self._tenant, one_of(_d.session, sessions))
        await self._write(lambda c: c.execute(update(pads).where(*where).values(ended=True)))

    async def settle(
        self, decided: Decided, new: Sequence[NewMemory], now: datetime
    ) -> tuple[list[Stored], Delta]:
        """Store the memories that notes become, and record all that was decided: both or neither.

        Raises:
            Overtaken: a note that was to become a memory is gone, or is one; nothing was done.
        """
        noting = self._deeds.noting("promote")

        def job(connection: Connection) -> tuple[list[Stored], Delta]:
            seqs = self._open(connection, decided)
            stored, delta = list[Stored](), Delta()
            if new:
                store = Store(self._tenant, self._model, new, now, self._feeding, None)
                stored, delta = store.run(connection)
                noting(connection, [one.id for one in stored])
            links = dict(zip(decided.promoted, (one.id for one in stored), strict=True))
            links |= {name: links[other] for name, other in decided.same.items()}
            rows.record(connection, self._tenant, seqs, decided.decisions, links, now)
            if decided.settles is not None:
                self._close(connection, decided.session, decided.settles)
            return stored, delta

        return await self._write(job)

    async def selected(
        self, session: str, namespace: str | None, before: datetime | None
    ) -> list[str]:
        """The notes of a session by id, oldest first; of a namespace with those below it, and written
        before a time, where these are given."""
        values = {"tenant": self._tenant, "session": session, "before": before}
        values |= {"namespace": namespace, "below": f"{namespace}/"}
        given = [("namespace", namespace), ("before", before)]
        query = selected(frozenset(name for name, value in given if value is not None))
        return [one for (one,) in await self._readers.fetch(query, values)]

    async def existing(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that name a note."""
        values = {"tenant": self._tenant, "wanted": json.dumps(list(ids))}
        return {one for (one,) in await self._readers.fetch(existing(), values)}

    async def drop_old(self, before: datetime) -> list[str]:
        """Let notes go that were written before and decided on, and pads that are empty then. Returns
        whose they were."""
        decided = exists().where(_q.note == _n.seq)
        old = (_n.tenant == self._tenant, _n.at < before, decided)

        def job(connection: Connection) -> list[str]:
            counted = select(_n.pad, _d.session, func.count()).join(pads, _d.key == _n.pad)
            found = connection.execute(counted.where(*old).group_by(_n.pad)).all()
            connection.execute(delete(notes).where(*old))
            for pad, _, count in found:
                more = update(pads).where(_d.key == pad)
                connection.execute(more.values(dropped=_d.dropped + count))
            rows.remove_empty(connection, self._tenant)
            return [session for _, session, _ in found]

        return await self._write(job)

    def _open(self, connection: Connection, decided: Decided) -> dict[str, int]:
        """Seqs of the notes that are still there, by id. Raises Overtaken."""
        names = [*decided.decisions, *decided.promoted, *decided.same]
        promoted = exists().where(_q.note == _n.seq, _q.verdict == "promoted")
        statement = select(_n.id, _n.seq, _n.memory, promoted)
        where = (_n.tenant == self._tenant, one_of(_n.id, names))
        found = connection.execute(statement.where(*where)).all()
        free = {name for name, _, _, done in found if not done}
        linked = {name for name, _, memory, _ in found if memory is not None}
        if not free.issuperset(decided.promoted) or not linked.isdisjoint(decided.same):
            raise Overtaken("The notes have changed meanwhile: repeat.")
        return {name: seq for name, seq, _, _ in found}

    def _close(self, connection: Connection, session: str, newest: int) -> None:
        where = (_d.tenant == self._tenant, _d.session == session, _d.newest == newest)
        connection.execute(update(pads).where(*where).values(settled=True))

    async def _write(self, job: Callable[[Connection], T]) -> T:
        return await self._writer.write(Do(job))
