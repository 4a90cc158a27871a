"""The only door to a tenant's rows. No query below it names another tenant."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import Connection

from ..model import Memory, Tier
from . import cold, outbox, picked, reads, vectors, writes
from .about_ledger import AboutLedger
from .active import Active
from .audit import Deeds
from .boards import BoardsLedger
from .cold import Moved
from .erasing import ErasureLedger
from .feed import IndexLedger
from .jobs import Do, Store
from .outbox import Erasures
from .packing import plain
from .prepared import Prepared, key_groups
from .readers import Fetch, Readers
from .reflecting import CycleLedger
from .rows import NewMemory, NewPassage, VersionRow, version_of
from .scratchpads import PadLedger
from .tiers import TierLedger
from .vectors import Delta, IndexRows
from .where import Sight, fold, parameters, shape_of
from .words import Held, Words
from .writer import Writer

__all__ = ["TenantLedger"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LAST = 1 << 62


class TenantLedger:
    """One tenant's part of the ledger, under one embedding model. Made by `Ledger.for_tenant`."""

    __slots__ = (
        "_active",
        "_deeds",
        "_erasures",
        "_model",
        "_readers",
        "_tenant",
        "_writer",
        "about",
        "boards",
        "cycles",
        "dimension",
        "erasure",
        "index",
        "pads",
        "tiers",
        "words",
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
        held: Held,
        audited: bool = False,
    ) -> None:
        """Without `erasures` no changes are kept for an index."""
        self._tenant = tenant
        self._deeds = deeds = Deeds(tenant, audited)
        self._model = model
        self._readers = readers
        self._writer = writer
        self._active = Active(self._fetch, tenant)
        self._erasures = erasures
        self.dimension = dimension
        self.boards = BoardsLedger(tenant, readers, writer, deeds)
        self.about = AboutLedger(tenant, model, dimension, readers, writer, deeds)
        self.index = IndexLedger(tenant, model, dimension, readers, writer, erasures)
        feeding = erasures is not None
        self.cycles = CycleLedger(
            *(tenant, model, dimension, readers, writer),
            feeding=feeding,
            come_back=self._active.look_again,
            deeds=deeds,
        )
        self.erasure = ErasureLedger(
            tenant, model, readers, writer, files, erasures, self.about.pruned, deeds
        )
        self.pads = PadLedger(tenant, model, readers, writer, feeding=feeding, deeds=deeds)
        self.tiers = TierLedger(tenant, model, readers, writer, feeding=feeding)
        self.words = Words(tenant, files[0], readers, held)

    async def _read(self, query: Callable[[Connection], T]) -> T:
        return await self._readers.read(query)

    async def _fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._readers.fetch(query, values)

    async def _ask(self, question: Callable[[Fetch, int, *Ts], T], *cells: *Ts) -> T:
        """All that a question has to read, in one go."""
        return await self._readers.ask(lambda fetch: question(fetch, self._tenant, *cells))

    async def _versions(self, query: Prepared, values: Mapping[str, Any]) -> list[VersionRow]:
        return await self._readers.ask(lambda fetch: [*map(version_of, fetch(query, values))])

    async def _plain(
        self, query: Prepared, values: Mapping[str, Any], content: int
    ) -> list[tuple[Any, ...]]:
        return await self._readers.ask(lambda fetch: plain(fetch(query, values), content))

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
        noting = self._deeds.noting(action)

        def job(connection: Connection) -> Delta:
            noting(connection, ids)
            return self._noted(connection, work(connection))

        return await self._write(job)

    # Reading

    async def current(self, ids: Sequence[str], *, deleted: bool = False) -> dict[str, VersionRow]:
        """The current versions of those ids that exist."""
        wanted = {"tenant": self._tenant, "wanted": json.dumps(list(ids))}
        rows = await self._versions(reads.prior(deleted), wanted)
        return {row.memory.id: row for row in rows}

    async def history(self, memory: str) -> list[VersionRow]:
        """All versions of a memory, oldest first; none if it is unknown or deleted."""
        return await self._versions(reads.history(), {"tenant": self._tenant, "id": memory})

    async def by_seq(self, seqs: Collection[int], sight: Sight) -> dict[int, VersionRow]:
        """Those of the versions that may be seen."""
        return await self._ask(picked.by_seq, seqs, sight)

    async def with_updates(
        self, seqs: Collection[int], sight: Sight
    ) -> tuple[dict[int, VersionRow], list[tuple[str, str]]]:
        """The same, and the pairs of their ids of which the first contradicts, refines or supersedes
        the second."""
        return await self._ask(picked.with_updates, seqs, sight)

    async def glimpse(self, seqs: Collection[int], sight: Sight) -> dict[int, tuple[str, str]]:
        """Ids and contents of those of the versions that may be seen, by seq."""
        return await self._ask(picked.glimpse, seqs, sight)

    async def allowed(self, seqs: Collection[int], sight: Sight) -> set[int]:
        """Those of the seqs that may be seen."""
        return await self._ask(picked.allowed, seqs, sight)

    async def seqs(self, sight: Sight, limit: int = _LAST) -> list[int]:
        """All versions that may be seen, oldest first, up to a limit."""
        (found,) = await self.seqs_each([sight], limit)
        return found

    async def seqs_each(self, sights: Sequence[Sight], limit: int) -> list[list[int]]:
        """The same for several sights."""
        asked = [
            (reads.seqs(shape_of(one)), {**parameters(self._tenant, one), "limit": limit})
            for one in sights
        ]
        return await self._readers.ask(
            lambda fetch: [[seq for (seq,) in fetch(*one)] for one in asked]
        )

    async def traits(self, seqs: Iterable[int]) -> list[tuple[Any, ...]]:
        """Seq, speaker, session, time in microseconds and content of those that exist."""
        values = {"tenant": self._tenant, "wanted": json.dumps(list(seqs))}
        return await self._plain(reads.traits(), values, content=4)

    async def current_seqs(self) -> list[int]:
        """All versions that are neither replaced, superseded nor deleted, by seq."""
        return [seq for (seq,) in await self._fetch(reads.current_seqs(), {"tenant": self._tenant})]

    async def most_active(self, sight: Sight, limit: int) -> list[VersionRow]:
        """Pinned ones first, then by activation."""
        return await self._versions(*await self._active.first(sight, limit))

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
        values = {"tenant": self._tenant, "model": self._model, "seqs": json.dumps(list(seqs))}
        query, dimension = vectors.passages_of(), self.dimension
        return await self._readers.ask(
            lambda fetch: vectors.rows_from(fetch(query, values), dimension)
        )

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
        actor = self._deeds.actor()
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
        noting = self._deeds.noting("revise")

        def job(connection: Connection) -> tuple[VersionRow, Delta] | None:
            self.about.pruned.times += 1
            if (done := writes.revise(connection, *cells)) is None:
                return None
            noting(connection, [later.id])
            return done[0], self._noted(connection, done[1])

        return await self._write(job)

    async def archive(self, ids: Sequence[str]) -> Delta:
        """Move memories to the cold tier. Raises NotFound, and then moves none."""
        cells = (self._tenant, self._model, ids)
        return await self._deed("archive", ids, lambda c: writes.archive(c, *cells))

    async def mark_deleted(self, ids: Sequence[str], now: datetime, until: datetime) -> Moved:
        """Hide memories, and what is derived from them, until they are restored. Raises NotFound, and
        then hides none."""
        cells = (self._tenant, self._model, ids, now, until)
        noting = self._deeds.noting("delete")

        def job(connection: Connection) -> Moved:
            noting(connection, ids)
            moved = writes.mark_deleted(connection, *cells)
            self._noted(connection, moved.delta)
            return moved

        return await self._write(job)

    async def restore(self, ids: Sequence[str]) -> Delta:
        """Bring back deleted and archived memories. Raises NotFound, and then brings back none."""
        cells = (self._tenant, self._model, self.dimension, ids)
        delta = await self._deed("restore", ids, lambda c: writes.restore(c, *cells))
        self._active.look_again()
        return delta

    async def rehearse(self, uses: Mapping[int, int], now: datetime) -> Moved:
        """Count uses, by seq. What is cold comes back to the warm tier."""
        cells = (self._tenant, self._model, self.dimension, list(uses))

        def job(connection: Connection) -> Moved:
            writes.rehearse(connection, self._tenant, uses, now)
            moved = cold.thaw(connection, *cells)
            self._noted(connection, moved.delta)
            return moved

        moved = await self._write(job)
        self._active.used(uses)
        return moved

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
