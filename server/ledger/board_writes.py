"""Writing to boards: all that wait together become one set of statements.

A group's boards and cells are read once, its writes are decided one after the other over what the
ones before them made, and the rows are written together. A write that is refused is an answer and not
a failure: the others of its group go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from ..errors import InvalidInput, LimitExceeded, LociError
from ..model import PRIVATE, RIGHTS, Actor, Cell, Op
from .audit import note
from .board_rows import Address, Before, Decide, Receipt
from .board_state import BoardState, flush_boards, load_boards, make_board
from .board_tables import boards, cells, receipts
from .where import one_of

__all__ = ["BoardWrite", "WriteDone", "write_boards"]

_c, _r = cells.c, receipts.c

RECEIPTS_KEPT = timedelta(days=1)
"""How long a write can be repeated under its idempotency key."""


@dataclass(frozen=True, slots=True)
class WriteDone:
    """What became of a write."""

    outcome: Cell | LociError
    """The version that it made, or why it made none."""
    repeated: bool
    changed: tuple[str, ...]
    """Keys that changed: its own, and those whose time was found to be up."""
    due_at: datetime | None
    """When the board's next cell expires, at the earliest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardWrite:
    """A change to one cell of one tenant's boards."""

    tenant: int
    address: Address
    key: str
    now: datetime
    keep: int
    """Versions of a cell that are kept, the current one among them."""
    decide: Decide
    receipt: Receipt | None = None
    actor: Actor | None = None
    """Whom the audit names; None where none is kept."""
    most: int | None = None
    """Cells that the tenant may have."""

    def note(self, connection: Connection, cell: Cell) -> None:
        """Write down what was done: to which cell, and nothing of what it says."""
        if self.actor is not None:
            name = f"{PRIVATE if self.address.agent else ''}{self.address.name}/{self.key}"
            action = f"board {cell.op.value}"
            note(connection, self.tenant, self.actor, action, [name], self.now)

    def run(self, connection: Connection) -> WriteDone:
        return write_boards(connection, [self])[0]


def write_boards(connection: Connection, jobs: Sequence[BoardWrite]) -> list[WriteDone]:
    """Carry writes of one tenant out, in order."""
    tenant = jobs[0].tenant
    states = load_boards(
        connection, tenant, {(j.address, key) for j in jobs for key in (j.key, RIGHTS)}
    )
    known = _Receipts(connection, states, jobs)
    room = _Room(connection, tenant, jobs[0].most)
    done = [_write(connection, states, known, room, job) for job in jobs]
    flush_boards(connection, list(states.values()), jobs[0].keep)
    known.flush(jobs[0].now)
    return done


def _write(
    connection: Connection,
    states: dict[Address, BoardState],
    known: "_Receipts",
    room: "_Room",
    job: BoardWrite,
) -> WriteDone:
    state = states.get(job.address)
    expired = [] if state is None else state.expire(connection, job.now)
    before = Before(
        made=state is not None,
        made_by=None if state is None else state.made_by,
        cell=None if state is None else state.cell(job.key),
        rights=None if state is None else state.cell(RIGHTS),
    )
    try:
        if state is not None and (found := known.find(state.id, job)) is not None:
            return WriteDone(found, True, tuple(expired), state.due_at)
        change = job.decide(before)
        room.take(before.cell, change.op)
    except LociError as error:
        return WriteDone(error, False, tuple(expired), None if state is None else state.due_at)
    if state is None:
        state = states[job.address] = make_board(
            connection, job.tenant, job.address, change.by, job.now
        )
    cell = state.write(job.key, change, job.now)
    known.note(state.id, job, cell)
    job.note(connection, cell)
    return WriteDone(cell, False, (*expired, job.key), state.due_at)


class _Room:
    """How many more cells a tenant may have."""

    def __init__(self, connection: Connection, tenant: int, most: int | None) -> None:
        self._connection = connection
        self._tenant = tenant
        self._most = most
        self._kept: int | None = None

    def take(self, cell: Cell | None, op: Op) -> None:
        """Count a write along. Raises LimitExceeded for a cell that is one too many."""
        if self._most is None:
            return
        if self._kept is None:
            self._kept = self._count()
        more = (not op.gone) - (cell is not None and not cell.gone)
        if more > 0 and self._kept >= self._most:
            raise LimitExceeded(
                f"Too many cells: {self._kept:,} of {self._most:,} are on this tenant's boards. Delete "
                "some (blackboard_write with op: delete) before you repeat this."
            )
        self._kept += more

    def _count(self) -> int:
        gone = [op.value for op in Op if op.gone]
        where = (boards.c.tenant == self._tenant, _c.replaced.is_(None), _c.op.not_in(gone))
        statement = select(func.count()).select_from(cells).join(boards).where(*where)
        return self._connection.execute(statement).scalar_one()


class _Receipts:
    """Writes under idempotency keys: those of earlier groups and those of this one."""

    def __init__(
        self,
        connection: Connection,
        states: dict[Address, BoardState],
        jobs: Sequence[BoardWrite],
    ) -> None:
        self._connection = connection
        self._known: dict[tuple[int, str, str], tuple[bytes, Cell]] = {}
        self._new: list[dict[str, Any]] = []
        asked = [job.receipt for job in jobs if job.receipt is not None]
        if asked and states:
            self._read([state.id for state in states.values()], [one.request for one in asked])

    def _read(self, ids: list[int], requests: list[str]) -> None:
        there = (_c.board == _r.board) & (_c.key == _r.key) & (_c.version == _r.version)
        columns = (_r.board, _r.agent, _r.request, _r.digest, _r.key, _r.version, _r.at)
        found = (_c.op, _c.value, _c.agent.label("by"), _c.expires_at)
        statement = select(*columns, *found).outerjoin_from(receipts, cells, there)
        where = (one_of(_r.board, ids), one_of(_r.request, requests))
        for row in self._connection.execute(statement.where(*where)):
            kept = row.op is not None
            cell = Cell(
                key=row.key,
                value=row.value if kept else None,
                version=row.version,
                op=Op(row.op) if kept else Op.SET,
                by=row.by if kept else row.agent or None,
                at=row.at,
                expires_at=row.expires_at,
                kept=kept,
            )
            self._known[row.board, row.agent, row.request] = (row.digest, cell)

    def find(self, board: int, job: BoardWrite) -> Cell | None:
        """What the same write made. Raises InvalidInput: another was made under the same key."""
        if job.receipt is None:
            return None
        found = self._known.get((board, job.receipt.agent, job.receipt.request))
        if found is None:
            return None
        digest, cell = found
        if digest != job.receipt.digest:
            raise InvalidInput(
                "idempotency_key: another write was made under it; use a new key for a new write."
            )
        return cell

    def note(self, board: int, job: BoardWrite, cell: Cell) -> None:
        """Remember a write, if it may be repeated."""
        if (receipt := job.receipt) is None:
            return
        self._known[board, receipt.agent, receipt.request] = (receipt.digest, cell)
        row = {"agent": receipt.agent, "request": receipt.request, "digest": receipt.digest}
        self._new.append(
            {"board": board, **row, "key": cell.key, "version": cell.version, "at": cell.at}
        )

    def flush(self, now: datetime) -> None:
        """Write down what is new, and drop what is too old to be repeated."""
        if not self._new:
            return
        ids = {row["board"] for row in self._new}
        old = delete(receipts).where(one_of(_r.board, ids), _r.at < now - RECEIPTS_KEPT)
        self._connection.execute(old)
        self._connection.execute(insert(receipts), self._new)
