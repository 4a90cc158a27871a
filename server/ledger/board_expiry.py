"""Cells whose time is up, and those that an erasure takes away: versions that no caller asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ..model import Op
from ..model.render import compact
from .board_rows import Address, NewCell
from .board_state import BoardState, flush_boards, load_boards
from .board_tables import boards, cells, promotions, receipts
from .where import one_of

__all__ = ["Touched", "erase_promoted", "expire_boards"]

_b, _c, _p = boards.c, cells.c, promotions.c


class Touched(NamedTuple):
    """A board whose cells changed."""

    address: Address
    keys: tuple[str, ...]


def expire_boards(
    connection: Connection, tenant: int, now: datetime, keep: int
) -> tuple[list[Touched], datetime | None]:
    """Make a version for each cell of a tenant whose time is up. What changed, and when the next
    cell expires, at the earliest."""
    due = select(_b.name, _b.agent).where(_b.tenant == tenant, _b.due_at <= now)
    wanted = {(Address(row.name, row.agent), "") for row in connection.execute(due)}
    states = load_boards(connection, tenant, wanted)
    touched = [Touched(at, tuple(one.expire(connection, now))) for at, one in states.items()]
    flush_boards(connection, list(states.values()), keep)
    statement = select(_b.due_at).where(_b.tenant == tenant, _b.due_at.is_not(None))
    first = connection.scalar(statement.order_by(_b.due_at).limit(1))
    return [one for one in touched if one.keys], first


def erase_promoted(
    connection: Connection, tenant: int, memories: Sequence[str], now: datetime
) -> tuple[list[Touched], list[str]]:
    """Remove the cells that memories were promoted from: all versions up to the promoted one, and
    the cell itself if it is still that. What changed, and the values that went, as JSON."""
    mine = (_p.tenant == tenant, one_of(_p.memory, memories))
    columns = (_b.name, _b.agent, _p.board, _p.key, func.max(_p.version).label("version"))
    statement = select(*columns).join_from(promotions, boards, _p.board == _b.id).where(*mine)
    rows = connection.execute(statement.group_by(_p.board, _p.key)).all()
    connection.execute(promotions.delete().where(*mine))
    states = load_boards(connection, tenant, {(Address(r.name, r.agent), r.key) for r in rows})
    touched: list[Touched] = []
    values: list[str] = []
    for row in rows:
        address = Address(row.name, row.agent)
        old = (_c.board == row.board, _c.key == row.key, _c.version <= row.version)
        values += [compact(value) for value in connection.scalars(select(_c.value).where(*old))]
        if _clear(connection, states[address], row.key, row.version, now):
            touched.append(Touched(address, (row.key,)))
    return touched, values


def _clear(
    connection: Connection, state: BoardState, key: str, version: int, now: datetime
) -> bool:
    """Whether the current cell had to go."""
    cell = state.cell(key)
    current = cell is not None and cell.version <= version and not cell.gone
    if current:
        state.write(key, NewCell(op=Op.ERASE, value=None, by=None, expires_at=None), now)
        flush_boards(connection, [state], keep=1)
    for table in (cells, receipts):
        where = (table.c.board == state.id, table.c.key == key, table.c.version <= version)
        connection.execute(table.delete().where(*where))
    return current
