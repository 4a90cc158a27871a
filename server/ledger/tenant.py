"""The only door to a tenant's rows. No query below it names another tenant."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from ..model import Memory, Residue, Tier, current_actor, utc_now
from . import audit, outbox, reads, vectors, writes
from . import erase as erasing
from .active import Active
from .boards import BoardsLedger
from .erase import Erasure, Needle
from .feed import IndexLedger
from .jobs import Do, Store
from .outbox import Erasures
from .prepared import Prepared, key_groups
from .ranking import Match, absent, search
from .readers import Readers
from .residue import find_residue
from .rows import NewMemory, NewPassage, VersionRow, version_of
from .scratchpads import PadLedger
from .vectors import Delta, IndexRows
from .where import Sight, fold, parameters, shape_of
from .writer import Writer

__all__ = ["TenantLedger"]

T = TypeVar("T")

_LAST = 1 << 62


class TenantLedger:
    """One tenant's part of the ledger, under one embedding model. Made by `Ledger.for_tenant`."""

    __slots__ = (
        "_active",
        "_audited",
        "_erasures",
        "_files",
        "_model",
        "_readers",
        "_tenant",
        "_writer",
        "boards",
        "dimension",
        "index",
        "pads",
    )

    def __init__(
        self,
        tenant: int,
        model: int,
        dimension: int,
        readers: Readers,
        writer: Writer,
        files: tuple[Path, Path],
        erasures: Erasures | None,
        audited: bool = False,
    ) -> None:
        """Without `erasures` no changes are kept for an index."""
        self._tenant = tenant
        self._audited = audited
        self._model = model
        self._readers = readers
        self._writer = writer
        self._files = files
        self._active = Active(self._fetch, tenant)
        self._erasures = erasures
        self.dimension = dimension
        self.boards = BoardsLedger(tenant, readers, writer, audited=audited)
        self.index = IndexLedger(tenant, model, dimension, readers, writer, erasures)
        self.pads = PadLedger(
            tenant, model, readers, writer, feeding=erasures is not None, audited=audited
        )

    async def _read(self, query: Callable[[Connection], T]) -> T:
        return await self._readers.read(query)

    async def _fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._readers.fetch(query, values)

    async def _versions(self, query: Prepared, values: Mapping[str, Any]) -> list[VersionRow]:
        return [version_of(cells) for cells in await self._fetch(query, values)]

    def _picking(self, seqs: Iterable[int], sight: Sight) -> dict[str, Any]:
        return {**parameters(self._tenant, sight), "wanted": json.dumps(list(seqs))}

    async def _write(self, job: Callable[[Connection], T]) -> T:
        return await self._writer.write(Do(job))

    def _noted(self, connection: Connection, delta: Delta) -> Delta:
        """The change, after it was put into the outbox."""
        if self._erasures is not None:
            outbox.append(connection, self._tenant, delta)
        return delta

    async def _deed(
        self, action: str, ids: Sequence[str], work: Callable[[Connection], Delta]
    ) -> Delta:
        """Write, with what the index and the audit are to know of it."""
        note = self._noting(action, ids)

        def job(connection: Connection) -> Delta:
            note(connection)
            return self._noted(connection, work(connection))

        return await self._write(job)

    def _noting(self, action: str, ids: Sequence[str]) -> Callable[[Connection], None]:
        """What writes a deed down in its transaction, on behalf of whoever asks for it now."""
        if not self._audited:
            return lambda _: None
        actor, now = current_actor(), utc_now()
        return lambda c: audit.note(c, self._tenant, actor, action, ids, now)

    # Reading

    async def current(self, ids: Sequence[str], *, deleted: bool = False) -> dict[str, VersionRow]:
        """The current versions of those ids that exist."""
        wanted = {"tenant": self._tenant, "wanted": json.dumps(list(ids))}
        rows = await self._versions(reads.prior(deleted), wanted)
        return {row.memory.id: row for row in rows}

    async def history(self, memory: str) -> list[VersionRow]:
        """All versions of a memory, oldest first; none if it is unknown or deleted."""
        return await self._versions(reads.history(), {"tenant": self._tenant, "id": memory})

    async def by_seq(self, seqs: Iterable[int], sight: Sight) -> dict[int, VersionRow]:
        """Those of the versions that may be seen."""
        found = await self._versions(reads.by_seq(shape_of(sight)), self._picking(seqs, sight))
        return {row.seq: row for row in found}

    async def glimpse(self, seqs: Iterable[int], sight: Sight) -> dict[int, tuple[str, str]]:
        """Ids and contents of those of the versions that may be seen, by seq."""
        found = await self._fetch(reads.glimpse(shape_of(sight)), self._picking(seqs, sight))
        return {seq: (name, content) for seq, name, content in found}

    async def allowed(self, seqs: Iterable[int], sight: Sight) -> set[int]:
        """Those of the seqs that may be seen."""
        found = await self._fetch(reads.allowed(shape_of(sight)), self._picking(seqs, sight))
        return {seq for (seq,) in found}

    async def seqs(self, sight: Sight, limit: int = _LAST) -> list[int]:
        """All versions that may be seen, oldest first, up to a limit."""
        values = {**parameters(self._tenant, sight), "limit": limit}
        found = await self._fetch(reads.seqs(shape_of(sight)), values)
        return [seq for (seq,) in found]

    async def traits(self, seqs: Iterable[int]) -> list[tuple[Any, ...]]:
        """Seq, speaker, session, time in microseconds and content of those that exist."""
        values = {"tenant": self._tenant, "wanted": json.dumps(list(seqs))}
        return await self._fetch(reads.traits(), values)

    async def traits_page(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        """The same of the current versions above a seq, by seq, up to a limit."""
        values = {"tenant": self._tenant, "after": after, "limit": limit}
        return await self._fetch(reads.traits_page(), values)

    async def match(self, question: str, sight: Sight, limit: int) -> list[Match]:
        """The best versions by BM25, best first."""
        return await search(self._fetch, self._tenant, question, sight, limit)

    async def absent(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts, names or phrases, that occur nowhere in what is remembered."""
        return await absent(self._fetch, self._tenant, texts)

    async def most_active(self, sight: Sight, limit: int) -> list[VersionRow]:
        """Pinned ones first, then by activation."""
        return [version_of(cells) for cells in await self._active.first(sight, limit)]

    async def page(self, sight: Sight, before: int | None, limit: int) -> list[VersionRow]:
        """Newest first, those before a seq."""
        values = {**parameters(self._tenant, sight), "limit": limit}
        values["before"] = _LAST if before is None else before
        return await self._versions(reads.page(shape_of(sight)), values)

    async def counts(self, sight: Sight) -> dict[tuple[Tier, str], int]:
        """How many memories may be seen, by stored tier and kind."""
        found = await self._fetch(reads.counts(shape_of(sight)), parameters(self._tenant, sight))
        return {(Tier(tier), kind): count for tier, kind, count in found}

    async def usage(self) -> tuple[int, int]:
        """How many versions are kept, whatever became of them, and bytes of their contents."""
        ((count, size),) = await self._fetch(reads.usage(), {"tenant": self._tenant})
        return count, size

    async def complete(self, facet: str, prefix: str, sight: Sight, limit: int) -> list[str]:
        """Values of a facet that start so, most used first."""
        values = {**parameters(self._tenant, sight), "limit": limit}
        values["prefix"] = fold(prefix) if facet in ("tag", "entity") else prefix
        return [
            value for (value,) in await self._fetch(reads.complete(shape_of(sight), facet), values)
        ]

    async def known_vectors(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Packed vectors of the texts that this model embedded before."""
        found: dict[bytes, bytes] = {}
        for size, group in key_groups(keys):
            values = {**group, "tenant": self._tenant, "model": self._model}
            found.update(await self._fetch(vectors.known_vectors(size), values))
        return found

    async def index_rows(self, seqs: Sequence[int]) -> IndexRows:
        """The passages of some versions, by seq."""
        cells = (self._tenant, self._model, self.dimension)
        return await self._read(lambda c: vectors.index_rows(c, *cells, seqs))

    async def backlog(self, limit: int) -> list[VersionRow]:
        """Versions that this model has not embedded yet, newest first."""
        return await self._read(lambda c: vectors.backlog(c, self._tenant, self._model, limit))

    async def backlog_size(self) -> int:
        """How many versions this model has not embedded yet."""
        return await self._read(lambda c: vectors.backlog_size(c, self._tenant, self._model))

    # Writing: each returns after its commit

    async def store(
        self, new: Sequence[NewMemory], now: datetime
    ) -> tuple[list[writes.Stored], Delta]:
        """Store memories that are not exact repeats; all of them or none.

        Raises:
            NotFound: one of `supersedes` names no current memory.
        """
        feeding = self._erasures is not None
        actor = current_actor() if self._audited else None
        return await self._writer.write(Store(self._tenant, self._model, new, now, feeding, actor))

    async def revise(
        self,
        expected: VersionRow,
        later: Memory,
        now: datetime,
        content: tuple[bytes, Sequence[NewPassage]] | None,
    ) -> tuple[VersionRow, Delta] | None:
        """Put a version in the place of the expected one; None if another came between.

        Raises:
            NotFound: the memory is gone.
        """
        cells = (self._tenant, self._model, self.dimension, expected, later, now, content)
        note = self._noting("revise", [later.id])

        def job(connection: Connection) -> tuple[VersionRow, Delta] | None:
            if (done := writes.revise(connection, *cells)) is None:
                return None
            note(connection)
            return done[0], self._noted(connection, done[1])

        return await self._write(job)

    async def archive(self, ids: Sequence[str]) -> Delta:
        """Move memories to the cold tier. Raises NotFound, and then moves none."""
        cells = (self._tenant, self._model, ids)
        return await self._deed("archive", ids, lambda c: writes.archive(c, *cells))

    async def mark_deleted(self, ids: Sequence[str], now: datetime, until: datetime) -> Delta:
        """Hide memories until they are restored. Raises NotFound, and then hides none."""
        cells = (self._tenant, self._model, ids, now, until)
        return await self._deed("delete", ids, lambda c: writes.mark_deleted(c, *cells))

    async def restore(self, ids: Sequence[str]) -> Delta:
        """Bring back deleted and archived memories. Raises NotFound, and then brings back none."""
        cells = (self._tenant, self._model, self.dimension, ids)
        delta = await self._deed("restore", ids, lambda c: writes.restore(c, *cells))
        self._active.look_again()
        return delta

    async def rehearse(self, uses: Mapping[int, int], now: datetime) -> None:
        """Count uses, by seq."""
        await self._write(lambda c: writes.rehearse(c, self._tenant, uses, now))
        self._active.used(uses)

    async def add_passages(self, rows: Sequence[tuple[int, Sequence[NewPassage]]]) -> Delta:
        """Store what a new model made of versions. Those erased in between are passed over."""
        tenant, model = self._tenant, self._model

        def job(connection: Connection) -> Delta:
            there = reads.existing(connection, tenant, [seq for seq, _ in rows])
            kept = [(seq, found) for seq, found in rows if seq in there]
            vectors.add_passages(connection, tenant, model, kept)
            delta = vectors.indexed(connection, tenant, model, self.dimension, sorted(there))
            return self._noted(connection, delta)

        return await self._write(job)

    async def due(self, now: datetime) -> list[str]:
        """Deleted memories whose time to be restored is up."""
        return [
            one for (one,) in await self._fetch(reads.due(), {"tenant": self._tenant, "now": now})
        ]

    async def erase(
        self,
        ids: Sequence[str],
        *,
        due: datetime | None = None,
        now: datetime | None = None,
        notes: Sequence[str] = (),
    ) -> Erasure:
        """Remove every version of the memories; with `due`, of those whose time is up by then. The
        cells of boards and the notes that they were promoted from go as well, and other notes.

        Raises:
            NotFound: without `due`, an id is unknown; nothing was erased.
        """
        cells = (self._tenant, self._model, ids, now or due or utc_now(), due, self._erasures)
        note = self._noting("erase", [*ids, *notes])

        def job(connection: Connection) -> Erasure:
            note(connection)
            return erasing.erase(connection, *cells, notes)

        return await self._write(job)

    async def residue(self, erasure: Erasure) -> Residue:
        """Look through all files for what stayed. Raises StoreError if one cannot be read."""

        async def explained(needle: Needle) -> bool:
            return await self._read(lambda c: erasing.explained(c, needle))

        return await find_residue(*self._files, erasure, explained)
