"""A tenant's boards: what is read of them, and the door to their writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from ..model import Board, Cell, Op
from . import board_reads
from .audit import Deeds
from .board_expiry import Touched, expire_boards
from .board_rows import Address, Decide, Receipt
from .board_tables import promotions
from .board_writes import BoardWrite, WriteDone
from .jobs import Do
from .readers import Readers
from .writer import Writer

__all__ = ["BoardsLedger", "Found"]


class Found(NamedTuple):
    """A board and some of its cells, as of one moment."""

    id: int
    version: int
    floor: int
    due_at: datetime | None
    cells: tuple[Cell, ...]


class BoardsLedger:
    """One tenant's boards. Made by `TenantLedger`."""

    __slots__ = ("_deeds", "_readers", "_tenant", "_writer")

    def __init__(self, tenant: int, readers: Readers, writer: Writer, deeds: Deeds) -> None:
        self._deeds = deeds
        self._tenant = tenant
        self._readers = readers
        self._writer = writer

    async def changes(
        self, address: Address, key: str | None, since: int, limit: int
    ) -> Found | None:
        """Cells that changed after a version, least recently changed first; those that are gone, too.
        None: there is no such board."""
        values = {**self._at(address), "since": since, "limit": limit}
        query = board_reads.changes(keyed=key is not None)
        return _found(await self._readers.fetch(query, {**values, "key": key}))

    async def history(self, address: Address, key: str, limit: int) -> Found | None:
        """The versions of a cell, newest first. None: there is no such board."""
        values = {**self._at(address), "key": key, "limit": limit}
        return _found(await self._readers.fetch(board_reads.history(), values))

    async def boards(self, agent: str, limit: int) -> list[Board]:
        """The public boards and the agent's own, most recently changed first."""
        values = {"tenant": self._tenant, "agent": agent, "limit": limit}
        return [_board(*row) for row in await self._readers.fetch(board_reads.listed(), values)]

    async def names(self, agent: str, prefix: str, limit: int) -> list[Address]:
        """Boards that begin so, most recently changed first."""
        values = {"tenant": self._tenant, "agent": agent, "prefix": prefix, "limit": limit}
        return [Address(*row) for row in await self._readers.fetch(board_reads.names(), values)]

    async def keys(self, address: Address, prefix: str, limit: int) -> list[str]:
        """Keys of cells that begin so, most recently changed first."""
        values = {**self._at(address), "prefix": prefix, "limit": limit}
        return [key for (key,) in await self._readers.fetch(board_reads.keys(), values)]

    async def write(
        self,
        address: Address,
        key: str,
        now: datetime,
        decide: Decide,
        *,
        keep: int,
        receipt: Receipt | None,
        most: int | None = None,
    ) -> WriteDone:
        """Change a cell. Returns after the commit, also where the write was refused. `most`: cells that the
        tenant may have."""
        job = BoardWrite(
            tenant=self._tenant,
            address=address,
            key=key,
            now=now,
            keep=keep,
            decide=decide,
            receipt=receipt,
            actor=self._deeds.actor(),
            most=most,
        )
        return await self._writer.write(job)

    async def expire(self, now: datetime, keep: int) -> tuple[list[Touched], datetime | None]:
        """Make a version for each cell whose time is up. What changed, and when the next cell expires,
        at the earliest."""
        return await self._writer.write(Do(lambda c: expire_boards(c, self._tenant, now, keep)))

    async def next_due(self) -> datetime | None:
        """When the next cell expires, at the earliest."""
        found = await self._readers.fetch(board_reads.next_due(), {"tenant": self._tenant})
        return found[0][0]

    async def promoted(self, board: int, key: str, version: int, memory: str) -> None:
        """Note that a memory says what a version of a cell says."""
        row = {"tenant": self._tenant, "memory": memory, "board": board}
        row |= {"key": key, "version": version}
        statement = insert(promotions).values(row).on_conflict_do_nothing()
        noting = self._deeds.noting("board promote")

        def job(connection: Connection) -> None:
            if connection.execute(statement).rowcount:
                noting(connection, [memory])

        await self._writer.write(Do(job))

    def _at(self, address: Address) -> dict[str, Any]:
        return {"tenant": self._tenant, "name": address.name, "agent": address.agent}


def _found(rows: Sequence[tuple[Any, ...]]) -> Found | None:
    if not rows:
        return None
    board, version, floor, due_at = rows[0][:4]
    return Found(
        board, version, floor, due_at, tuple(_cell(*r[4:]) for r in rows if r[4] is not None)
    )


def _cell(
    key: str,
    value: Any,
    version: int,
    op: str,
    by: str | None,
    at: datetime,
    expires_at: datetime | None,
) -> Cell:
    return Cell(
        key=key, value=value, version=version, op=Op(op), by=by, at=at, expires_at=expires_at
    )


def _board(
    name: str, agent: str, version: int, cells: int, made_by: str | None, changed_at: datetime
) -> Board:
    return Board(
        name=name,
        private=bool(agent),
        version=version,
        cells=cells,
        made_by=made_by,
        changed_at=changed_at,
    )
