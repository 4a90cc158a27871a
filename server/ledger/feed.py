"""What an index is made from, and what the ledger remembers of it: the index's side of a tenant."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Integer, bindparam, func, select

from . import outbox, vectors
from .jobs import Do
from .outbox import Erasures, IndexRow, OutboxRow
from .prepared import Prepared, prepare
from .readers import Readers
from .tables import indexes
from .tables import outbox as changes
from .vectors import IndexRows
from .writer import Writer

__all__ = ["IndexLedger"]


class IndexLedger:
    """A tenant's passages, their changes, and the generation that was adopted: `TenantLedger.index`.

    Ask `last` before anything else. To build a generation, read every page; to bring one up to date,
    ask for its `row`, read what is `pending`, and its `rows` after. Either way what was read, or
    changed meanwhile, and what is pending after the sequence that is adopted with it together make up
    what belongs into the index.
    """

    __slots__ = ("_dimension", "_erasures", "_model", "_readers", "_tenant", "_writer")

    def __init__(
        self,
        tenant: int,
        model: int,
        dimension: int,
        readers: Readers,
        writer: Writer,
        erasures: Erasures | None,
    ) -> None:
        """Without `erasures` the outbox is switched off, and nothing can be adopted."""
        self._tenant = tenant
        self._model = model
        self._dimension = dimension
        self._readers = readers
        self._writer = writer
        self._erasures = erasures

    async def row(self) -> IndexRow | None:
        """What is known of this model's index; None before anything was adopted or disowned."""
        found = await self._readers.fetch(_row(), {"tenant": self._tenant, "model": self._model})
        return IndexRow(*found[0]) if found else None

    async def pending(self, after: int, limit: int) -> list[OutboxRow]:
        """The changes beyond a place of the outbox, oldest first."""
        values = {"tenant": self._tenant, "after": after, "limit": limit}
        found = await self._readers.fetch(_pending(), values)
        return [OutboxRow(number, passage, bool(added)) for number, passage, added in found]

    async def pending_count(self, after: int) -> int:
        """How many changes there are beyond a place of the outbox."""
        return await self._number(_pending_count(), after=after)

    async def last(self) -> int:
        """The highest number that a change ever had, of any tenant; 0 before the first."""
        return await self._number(_last())

    async def rows(self, ids: Sequence[int]) -> IndexRows:
        """Those of the passages that exist, by passage id, with their vectors."""
        cells = (self._tenant, self._model, self._dimension)
        return await self._readers.read(lambda c: vectors.rows_of(c, *cells, ids))

    async def count(self) -> int:
        """How many passages belong into the index: as many as all pages have."""
        return await self._number(vectors.indexable_count(), model=self._model)

    async def page(self, after: int) -> tuple[IndexRows, int | None]:
        """The next passages, above a seq, that belong into the index, and where to go on."""
        cells = (self._tenant, self._model, self._dimension)
        return await self._readers.read(lambda c: vectors.indexable(c, *cells, after))

    async def pages(self) -> AsyncGenerator[IndexRows]:
        """All passages that belong into the index, some at a time, by seq."""
        after: int | None = 0
        while after is not None:
            rows, after = await self.page(after)
            yield rows

    async def adopt(
        self, generation: str, sequence: int, begun: int, reason: str, now: datetime
    ) -> None:
        """Make a generation, fed up to `sequence`, the tenant's, and drop the changes up to there;
        unless something was erased since it was `begun`, at this place of the outbox: then the tenant
        has none, and `row` says so.

        Raises:
            RuntimeError: the outbox is switched off, so that it would be stale at the next change.
        """
        erasures = self._erasures
        if erasures is None:
            raise RuntimeError("No index is fed here: nothing can be adopted.")
        row = IndexRow(generation, sequence, 0, reason, now)
        cells = (self._tenant, self._model, row, begun, erasures)
        erasures.told(await self._writer.write(Do(lambda c: outbox.adopt(c, *cells))))

    async def trim(self, until: int) -> None:
        """Drop the changes up to a place, if there is no generation that they are kept for."""
        await self._writer.write(Do(lambda c: outbox.trim(c, self._tenant, until)))

    async def disown(self, reason: str) -> None:
        """Have no generation, and say why. How far the last one was fed is still known."""

        def job(connection: Connection) -> None:
            outbox.disown(connection, self._tenant, self._model, reason)

        await self._writer.write(Do(job))

    async def _number(self, query: Prepared, **values: int) -> int:
        found = await self._readers.fetch(query, {"tenant": self._tenant, **values})
        return found[0][0] if found else 0


_beyond = (
    changes.c.tenant == bindparam("tenant"),
    changes.c.id > bindparam("after", type_=Integer()),
)


@cache
def _row() -> Prepared:
    columns = [indexes.c[name] for name in IndexRow._fields]
    mine = (indexes.c.tenant == bindparam("tenant"), indexes.c.model == bindparam("model"))
    return prepare(select(*columns).where(*mine))


@cache
def _pending() -> Prepared:
    columns = select(changes.c.id, changes.c.passage, changes.c.added).where(*_beyond)
    return prepare(columns.order_by(changes.c.id).limit(bindparam("limit", type_=Integer())))


@cache
def _pending_count() -> Prepared:
    return prepare(select(func.count()).select_from(changes).where(*_beyond))


@cache
def _last() -> Prepared:
    return prepare(outbox.last())
