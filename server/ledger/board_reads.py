"""What is read of boards: statements, compiled once. A board and its cells come by one statement, so
that they are of one moment."""

from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
)

from ..model import Op
from .board_tables import boards, cells
from .prepared import Prepared, prepare

__all__ = ["GONE", "changes", "history", "keys", "listed", "names", "next_due"]

_b, _c = boards.c, cells.c

# Not `in`: its list would be filled in at each execution, and prepared statements are not.
GONE = or_(*(_c.op == op.value for op in Op if op.gone))
"""Whether a version is the end of its cell."""
_CELL = (_c.key, _c.value, _c.version, _c.op, _c.agent, _c.at, _c.expires_at)


@cache
def changes(*, keyed: bool) -> Prepared:
    """The board `name` of `agent`, and its current cells after the version `since`, up to `limit`,
    by version; of one `key` only. Of those that are gone, only what a reader may have seen before."""
    since = _c.version > bindparam("since", type_=Integer())
    one = [_c.key == bindparam("key", type_=Text())] if keyed else []
    told = or_(not_(GONE), bindparam("since", type_=Integer()) > 0)
    there = and_(_c.board == _b.id, _c.replaced.is_(None), since, told, *one)
    return prepare(_of_board(there).order_by(_c.version).limit(_limit()))


@cache
def history() -> Prepared:
    """The board `name` of `agent`, and the versions of its cell `key`, newest first, up to `limit`."""
    there = and_(_c.board == _b.id, _c.key == bindparam("key", type_=Text()))
    return prepare(_of_board(there).order_by(_c.ordinal.desc()).limit(_limit()))


@cache
def listed() -> Prepared:
    """The boards that an `agent` may read, most recently changed first, up to `limit`: name, agent,
    version, number of cells, who made it, when it was changed."""
    count = select(func.count()).where(_c.board == _b.id, _c.replaced.is_(None), not_(GONE))
    columns = (_b.name, _b.agent, _b.version, count.scalar_subquery(), _b.made_by, _b.changed_at)
    newest = (_b.changed_at.desc(), _b.id.desc())
    return prepare(select(*columns).where(*_readable()).order_by(*newest).limit(_limit()))


@cache
def names() -> Prepared:
    """Name and agent of those that begin with `prefix`."""
    statement = select(_b.name, _b.agent).where(*_readable(), _begins(_b.name))
    return prepare(statement.order_by(_b.changed_at.desc()).limit(_limit()))


@cache
def keys() -> Prepared:
    """Keys of the cells of a board that begin with `prefix`, most recently changed first."""
    where = (*_board(), _c.replaced.is_(None), not_(GONE), _begins(_c.key))
    statement = select(_c.key).join(boards, _c.board == _b.id).where(*where)
    return prepare(statement.order_by(_c.version.desc()).limit(_limit()))


@cache
def next_due() -> Prepared:
    """When the first cell of the tenant expires, at the earliest."""
    return prepare(select(func.min(_b.due_at)).where(_b.tenant == bindparam("tenant")))


def _of_board(there: ColumnElement[bool]) -> Select[*tuple[object, ...]]:
    columns = (_b.id, _b.version.label("at_version"), _b.floor, _b.due_at, *_CELL)
    return select(*columns).outerjoin_from(boards, cells, there).where(*_board())


def _board() -> tuple[ColumnElement[bool], ...]:
    name, agent = bindparam("name", type_=Text()), bindparam("agent", type_=Text())
    return _b.tenant == bindparam("tenant"), _b.name == name, _b.agent == agent


def _readable() -> tuple[ColumnElement[bool], ...]:
    agent = bindparam("agent", type_=Text())
    return _b.tenant == bindparam("tenant"), or_(_b.agent == "", _b.agent == agent)


def _begins(column: ColumnElement[str]) -> ColumnElement[bool]:
    prefix = bindparam("prefix", type_=Text())
    return func.substr(column, 1, func.length(prefix)) == prefix


def _limit() -> BindParameter[int]:
    return bindparam("limit", type_=Integer())
