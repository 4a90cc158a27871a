"""A board as a group of writes sees it: read once, changed in memory, written in the end."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ..model import Cell, Op
from .board_reads import GONE
from .board_rows import Address, NewCell, cell_of
from .board_tables import boards, cells
from .where import one_of

__all__ = ["BoardState", "flush_boards", "load_boards", "make_board"]

_b, _c = boards.c, cells.c

_DELETIONS = 1000
"""Cells that are gone of which a board still tells. Older ones are dropped, and whoever asks what changed
since before then is told to read anew."""
_LOOK_EVERY = 256
"""Versions between two looks for those."""


_REPLACE = (
    update(cells)
    .where(_c.board == bindparam("on"), _c.key == bindparam("of"), _c.ordinal == bindparam("which"))
    .values(replaced=bindparam("by"))
)
_TRIM = delete(cells).where(
    _c.board == bindparam("on"), _c.key == bindparam("of"), _c.ordinal <= bindparam("last")
)
_ADVANCE = (
    update(boards)
    .where(_b.id == bindparam("on"))
    .values(version=bindparam("to"), due_at=bindparam("due"), changed_at=bindparam("when"))
)


class BoardState:
    """One board inside one transaction."""

    def __init__(self, row: Any) -> None:
        self.id: int = row.id
        self.made_by: str | None = row.made_by
        self.version: int = row.version
        self.due_at: datetime | None = row.due_at
        self._changed_at: datetime = row.changed_at
        self._began: int = row.version
        self._dropped = False
        self._cells: dict[str, Cell] = {}
        self._ordinals: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        """Ordinals of the current versions that the table has."""
        self._made: dict[str, list[dict[str, Any]]] = {}

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.version != self._began

    def hold(self, row: Any) -> None:
        """Take in the current version of a cell."""
        self._cells[row.key] = cell_of(row._mapping)
        self._ordinals[row.key] = self._stored[row.key] = row.ordinal

    def cell(self, key: str) -> Cell | None:
        """The current version of a cell that was loaded; None where there never was one."""
        return self._cells.get(key)

    def write(self, key: str, change: NewCell, now: datetime) -> Cell:
        """Make the next version of the board."""
        self.version += 1
        self._changed_at = now
        cell = Cell(
            key=key,
            value=change.value,
            version=self.version,
            op=change.op,
            by=change.by,
            at=now,
            expires_at=change.expires_at,
        )
        rows = self._made.setdefault(key, [])
        if rows:
            rows[-1]["replaced"] = self.version
        ordinal = self._ordinals.get(key, 0) + 1
        rows.append(self._row(cell, ordinal))
        self._cells[key], self._ordinals[key] = cell, ordinal
        self._dropped = self._dropped or cell.gone
        if cell.expires_at is not None:
            self.due_at = min(self.due_at or cell.expires_at, cell.expires_at)
        return cell

    def expire(self, connection: Connection, now: datetime) -> list[str]:
        """Make a version for each cell whose time is up. Returns their keys."""
        if self.due_at is None or self.due_at > now:
            return []
        current = (_c.board == self.id, _c.replaced.is_(None), _c.expires_at.is_not(None))
        for row in connection.execute(select(cells).where(*current)):
            if row.key not in self._cells:
                self.hold(row)
        timed = [(cell.expires_at, key) for key, cell in self._cells.items() if cell.expires_at]
        due = [(at, key) for at, key in sorted(timed) if at <= now]
        for at, key in due:
            change = NewCell(op=Op.EXPIRE, value=None, by=None, expires_at=None)
            self.write(key, change, at)
        self._changed_at = now
        self.due_at = min((at for at, _ in timed if at > now), default=None)
        if not due:
            # It was overwritten in time: only the look was due.
            statement = update(boards).where(_b.id == self.id)
            connection.execute(statement.values(due_at=self.due_at))
        return [key for _, key in due]

    def replaced(self) -> Iterator[dict[str, Any]]:
        """Versions in the table that are current no more."""
        for key, rows in self._made.items():
            if key in self._stored:
                yield {
                    "on": self.id,
                    "of": key,
                    "which": self._stored[key],
                    "by": rows[0]["version"],
                }

    def made(self) -> Iterator[dict[str, Any]]:
        """The rows of the new versions."""
        for rows in self._made.values():
            yield from rows

    def trimmed(self, keep: int) -> Iterator[dict[str, Any]]:
        """Up to where the histories of changed cells are too long."""
        for key in self._made:
            last = self._ordinals[key] - keep
            if last > 0:
                yield {"on": self.id, "of": key, "last": last}

    def row(self) -> dict[str, Any]:
        """What the board's row becomes."""
        return {"on": self.id, "to": self.version, "due": self.due_at, "when": self._changed_at}

    def drop_deletions(self, connection: Connection) -> None:
        """Forget cells that are gone for so long that too many others are, too."""
        if not self._dropped or self._began // _LOOK_EVERY == self.version // _LOOK_EVERY:
            return
        gone = (_c.board == self.id, _c.replaced.is_(None), GONE)
        newest = select(_c.version).where(*gone).order_by(_c.version.desc())
        floor = connection.scalar(newest.offset(_DELETIONS).limit(1))
        if floor is None:
            return
        keys = select(_c.key).where(*gone, _c.version <= floor)
        connection.execute(delete(cells).where(_c.board == self.id, _c.key.in_(keys)))
        connection.execute(update(boards).where(_b.id == self.id).values(floor=floor))

    def _row(self, cell: Cell, ordinal: int) -> dict[str, Any]:
        return {
            "board": self.id,
            "key": cell.key,
            "ordinal": ordinal,
            "version": cell.version,
            "op": cell.op.value,
            "value": cell.value,
            "agent": cell.by,
            "at": cell.at,
            "expires_at": cell.expires_at,
            "replaced": None,
        }


def load_boards(
    connection: Connection, tenant: int, wanted: set[tuple[Address, str]]
) -> dict[Address, BoardState]:
    """Those of the boards that are there, with the wanted ones of their cells."""
    names = {address.name for address, _ in wanted}
    statement = select(boards).where(_b.tenant == tenant, one_of(_b.name, names))
    addresses = {address for address, _ in wanted}
    states: dict[Address, BoardState] = {}
    for row in connection.execute(statement):
        address = Address(row.name, row.agent)
        if address in addresses:
            states[address] = BoardState(row)
    if states:
        held = {state.id: state for state in states.values()}
        keys = {key for _, key in wanted}
        where = (one_of(_c.board, held), one_of(_c.key, keys), _c.replaced.is_(None))
        for row in connection.execute(select(cells).where(*where)):
            held[row.board].hold(row)
    return states


def make_board(
    connection: Connection, tenant: int, address: Address, by: str | None, now: datetime
) -> BoardState:
    """Enter a board, at version 0."""
    values = {
        "tenant": tenant,
        "name": address.name,
        "agent": address.agent,
        "made_by": by,
        "version": 0,
        "floor": 0,
        "due_at": None,
        "changed_at": now,
    }
    connection.execute(insert(boards), values)
    where = (_b.tenant == tenant, _b.name == address.name, _b.agent == address.agent)
    return BoardState(connection.execute(select(boards).where(*where)).one())


def flush_boards(connection: Connection, states: Sequence[BoardState], keep: int) -> None:
    """Write what changed. `keep`: versions of each cell, the current one among them."""
    changed = [state for state in states if state.changed]
    replaced = [row for state in changed for row in state.replaced()]
    made = [row for state in changed for row in state.made()]
    if replaced:
        connection.execute(_REPLACE, replaced)
    if made:
        connection.execute(insert(cells), made)
    trimmed = [row for state in changed for row in state.trimmed(keep)]
    if trimmed:
        connection.execute(_TRIM, trimmed)
    if changed:
        connection.execute(_ADVANCE, [state.row() for state in changed])
    for state in changed:
        state.drop_deletions(connection)
