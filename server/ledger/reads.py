"""What is read: statements, compiled once for each shape of question.

Those that a write job needs too are functions over its connection, inside its transaction.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    select,
    type_coerce,
    union,
)

from ..model import Tier
from .prepared import Prepared, prepare
from .rows import VersionRow, memory_of
from .tables import Micros, labels, memories
from .where import Shape, one_of, seen

__all__ = [
    "allowed",
    "by_seq",
    "complete",
    "counts",
    "current",
    "current_seqs",
    "due",
    "existing",
    "glimpse",
    "history",
    "live_keys",
    "most_active",
    "most_active_among",
    "most_active_seqs",
    "newest",
    "page",
    "prior",
    "seqs",
    "traits",
]

_m = memories.c


def _limit() -> BindParameter[int]:
    return bindparam("limit", type_=Integer())


def _wanted() -> BindParameter[str]:
    return bindparam("wanted", type_=Text())


@cache
def by_seq(shape: Shape) -> Prepared:
    """Those of the `wanted` versions that may be seen."""
    where = (one_of(_m.seq, _wanted()), seen(shape, picked=True))
    return prepare(select(memories).where(*where))


@cache
def glimpse(shape: Shape) -> Prepared:
    """Seq, id, content and packed content of those of the `wanted` versions that may be seen."""
    where = (one_of(_m.seq, _wanted()), seen(shape, picked=True))
    return prepare(select(_m.seq, _m.id, _m.content, _m.packed).where(*where))


@cache
def allowed(shape: Shape) -> Prepared:
    """Those of the `wanted` seqs that may be seen."""
    where = (one_of(_m.seq, _wanted()), seen(shape, picked=True))
    return prepare(select(_m.seq).where(*where))


_AT = type_coerce(_m.valid_from, BigInteger())
_TRAITS = (_m.seq, _m.speaker, _m.session, _AT, _m.content, _m.packed)


@cache
def traits() -> Prepared:
    """Seq, speaker, session, time in microseconds, content and packed content of the `wanted`
    versions."""
    where = (one_of(_m.seq, _wanted()), _m.tenant + 0 == bindparam("tenant"))
    return prepare(select(*_TRAITS).where(*where))


@cache
def current_seqs() -> Prepared:
    """The seqs of all versions that are neither replaced, superseded nor deleted, in order."""
    gone = (_m.replaced_at, _m.deleted_at, _m.superseded_by)
    where = (_m.tenant == bindparam("tenant"), *(column.is_(None) for column in gone))
    return prepare(select(_m.seq).where(*where).order_by(_m.seq))


@cache
def seqs(shape: Shape) -> Prepared:
    """All versions that may be seen, oldest first, up to `limit`."""
    statement = select(_m.seq).where(seen(shape)).order_by(_m.seq)
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


@cache
def most_active(shape: Shape) -> Prepared:
    """Pinned ones first, then by activation, strongest first, up to `limit`.

    The order of ACT-R's base-level activation with optimized learning (Anderson and Lebiere, 1998,
    ch. 4), B = ln(n / (1 - d)) - d ln L with d = .5 for n uses over a life of L: it is the order of
    n² / L, which needs no logarithm.
    """
    # Sorted by their seqs alone: whole rows would be copied into the sorter, most of them for nothing.
    best = _strongest(shape, _m.seq).subquery()
    return prepare(select(memories).where(_m.seq.in_(select(best.c.seq))).order_by(*_activity()))


@cache
def most_active_seqs(shape: Shape) -> Prepared:
    """The seqs alone of the same."""
    return prepare(_strongest(shape, _m.seq))


@cache
def most_active_among(shape: Shape) -> Prepared:
    """The same of the `wanted` versions and those of seqs above `since`."""
    later = select(_m.seq).where(_m.seq > bindparam("since", type_=Integer()))
    either = union(select(func.json_each(_wanted()).table_valued("value").c.value), later)
    where = (_m.seq.in_(either), seen(shape, picked=True))
    return prepare(select(memories).where(*where).order_by(*_activity()).limit(_limit()))


def _strongest(shape: Shape, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    return select(*columns).where(seen(shape)).order_by(*_activity()).limit(_limit())


def _activity() -> tuple[ColumnElement[Any], ...]:
    life = func.max(bindparam("now", type_=Micros()) - _m.remembered_at, 1)
    strength = _m.uses * _m.uses * 1.0 / life
    return (case((_m.pinned, 0), else_=1), strength.desc(), _m.seq.desc())


@cache
def newest() -> Prepared:
    """The highest seq there is, of any tenant; NULL if there is none."""
    return prepare(select(func.max(_m.seq)))


@cache
def page(shape: Shape) -> Prepared:
    """Newest first, those before the seq `before`, up to `limit`."""
    where = (seen(shape), _m.seq < bindparam("before", type_=Integer()))
    if shape.tier is not None:
        return prepare(select(memories).where(*where).order_by(_m.seq.desc()).limit(_limit()))
    # In each stored tier the index has them in this order; over both, SQLite would sort all.
    tiers = [
        select(_m.seq).where(*where, _m.tier == tier).order_by(_m.seq.desc()).limit(_limit())
        for tier in (Tier.WARM, Tier.COLD)
    ]
    either = union(*(select(one.subquery().c.seq) for one in tiers))
    statement = select(memories).where(_m.seq.in_(either))
    return prepare(statement.order_by(_m.seq.desc()).limit(_limit()))


@cache
def counts(shape: Shape) -> Prepared:
    """How many memories may be seen, by stored tier and kind."""
    grouped = select(_m.tier, _m.kind, func.count()).where(seen(shape))
    return prepare(grouped.group_by(_m.tier, _m.kind))


@cache
def usage() -> Prepared:
    """How many versions of all kinds, and bytes of their contents."""
    size = func.coalesce(func.sum(func.length(cast(_m.content, LargeBinary))), 0)
    return prepare(select(func.count(), size).where(_m.tenant == bindparam("tenant")))


@cache
def complete(shape: Shape, facet: str) -> Prepared:
    """Values of a facet that start with `prefix`, most used first, up to `limit`."""
    if facet in ("namespace", "session"):
        value = _m[facet]
        statement = select(value).where(seen(shape), value != "")
    else:
        value = labels.c.label
        statement = select(value).join(memories, labels.c.seq == _m.seq)
        mine = (labels.c.tenant == bindparam("tenant"), labels.c.facet == facet)
        statement = statement.where(seen(shape), *mine)
    prefix = bindparam("prefix", type_=Text())
    begins = func.substr(value, 1, func.length(prefix)) == prefix
    order = (func.count().desc(), value)
    return prepare(statement.where(begins).group_by(value).order_by(*order).limit(_limit()))


@cache
def history() -> Prepared:
    """All versions of the memory `id`, oldest first; none if it is deleted."""
    here = memories.alias()
    deleted = select(here.c.seq).where(
        here.c.tenant == _m.tenant,
        here.c.id == _m.id,
        here.c.replaced_at.is_(None),
        here.c.deleted_at.is_not(None),
    )
    where = (_m.tenant == bindparam("tenant"), _m.id == bindparam("id"), ~deleted.exists())
    return prepare(select(memories).where(*where).order_by(_m.version))


@cache
def due() -> Prepared:
    """Deleted memories whose time to be restored was up at `now`."""
    late = _m.restorable_until <= bindparam("now", type_=Micros())
    where = (_m.tenant == bindparam("tenant"), _m.replaced_at.is_(None), late)
    return prepare(select(_m.id).where(*where))


def _current(deleted: bool) -> Select[*tuple[Any, ...]]:
    where = [_m.tenant == bindparam("tenant"), one_of(_m.id, _wanted()), _m.replaced_at.is_(None)]
    if not deleted:
        where.append(_m.deleted_at.is_(None))
    return select(memories).where(*where)


@cache
def prior(deleted: bool) -> Prepared:
    """The current versions of the `wanted` ids; deleted ones only where asked for."""
    return prepare(_current(deleted))


def current(
    connection: Connection, tenant: int, ids: Sequence[str], *, deleted: bool = False
) -> dict[str, VersionRow]:
    """The same, inside a transaction."""
    values = {"tenant": tenant, "wanted": json.dumps(list(ids))}
    rows = connection.execute(_current(deleted), values).mappings()
    return {row["id"]: VersionRow(row["seq"], memory_of(row)) for row in rows}


def live_keys(
    connection: Connection, tenant: int, keys: Sequence[bytes], now: datetime
) -> list[tuple[bytes, int, str, datetime | None]]:
    """Content keys, seqs, ids and ends of current, valid memories that are not cold."""
    where = (
        _m.tenant == tenant,
        _m.key.in_(keys),
        _m.replaced_at.is_(None),
        _m.deleted_at.is_(None),
        _m.superseded_by.is_(None),
        _m.tier != Tier.COLD,
        (_m.valid_until.is_(None)) | (_m.valid_until > now),
    )
    columns = select(_m.key, _m.seq, _m.id, _m.valid_until)
    return [tuple(row) for row in connection.execute(columns.where(*where))]


def existing(connection: Connection, tenant: int, found: Sequence[int]) -> set[int]:
    """Those of the seqs that the tenant still has."""
    where = (_m.tenant + 0 == tenant, one_of(_m.seq, found))
    return set(connection.scalars(select(_m.seq).where(*where)))
