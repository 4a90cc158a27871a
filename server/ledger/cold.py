"""Between warm and cold: what is held, what is moved, what is packed, and what comes back.

Functions for a reader's or the `Writer`'s connection. A move decides by what it reads in its own
transaction: what was used, pinned or replaced since it was looked at stays where it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple, TypeVarTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    cast,
    func,
    select,
    type_coerce,
    update,
)

from ..model import Tier
from .packing import PACKED_FROM, unpack_text
from .prepared import Prepared, prepare
from .tables import memories
from .vectors import Delta, indexed, passage_ids
from .where import one_of

__all__ = [
    "Moved",
    "chill",
    "count_tokens",
    "held",
    "pack",
    "thaw",
    "uncounted",
    "unpack",
    "unpacked",
    "warm_size",
]

Ts = TypeVarTuple("Ts")

_m = memories.c
_CURRENT = (_m.replaced_at.is_(None), _m.deleted_at.is_(None), _m.superseded_by.is_(None))
_BYTES = func.length(cast(_m.content, LargeBinary))


class Moved(NamedTuple):
    """What has changed its tier, and what that means for the index."""

    ids: tuple[str, ...]
    delta: Delta


@cache
def warm_size() -> Prepared:
    """How many the warm tier holds, their bytes, the tokens of those that are counted, how many are
    not, and the earliest last use in microseconds."""
    uncounted = func.count() - func.count(_m.tokens)
    columns = (func.count(), func.coalesce(func.sum(_BYTES), 0), func.sum(_m.tokens), uncounted)
    earliest = func.min(type_coerce(_m.used_at, BigInteger()))
    return prepare(_where_warm(select(*columns, earliest)))


@cache
def held() -> Prepared:
    """Seq, id, uses, remembered, used, pinned, bytes and tokens of the warm ones above the seq
    `after`, by seq, up to `limit`."""
    columns = (_m.seq, _m.id, _m.uses, _m.remembered_at, _m.used_at, _m.pinned, _BYTES)
    statement = select(*columns, func.coalesce(_m.tokens, 0))
    beyond = _m.seq > bindparam("after", type_=Integer())
    statement = _where_warm(statement).where(beyond).order_by(_m.seq)
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


def _where_warm(statement: Select[*Ts]) -> Select[*Ts]:
    return statement.where(_m.tenant == bindparam("tenant"), _m.tier == Tier.WARM, *_CURRENT)


@cache
def uncounted() -> Prepared:
    """Seq and content of warm ones whose tokens are not counted, up to `limit`."""
    statement = _where_warm(select(_m.seq, _m.content)).where(_m.tokens.is_(None))
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


@cache
def unpacked() -> Prepared:
    """Seq and content of versions of cold memories that could be packed, up to `limit`."""
    cold = select(_m.id).where(_m.tenant == bindparam("tenant"), _m.tier == Tier.COLD)
    cold = cold.where(_m.replaced_at.is_(None))
    where = (_m.tenant == bindparam("tenant"), _m.id.in_(cold), _m.packed.is_(None))
    long = func.length(_m.content) >= PACKED_FROM
    statement = select(_m.seq, _m.content).where(*where, long)
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


def count_tokens(connection: Connection, tenant: int, counts: Mapping[int, int]) -> None:
    """Note how many tokens contents have, by seq."""
    statement = update(memories).where(_m.seq == bindparam("one"), _m.tenant == tenant)
    values = [{"one": seq, "number": number} for seq, number in counts.items()]
    connection.execute(statement.values(tokens=bindparam("number")), values)


def pack(connection: Connection, tenant: int, frames: Mapping[int, bytes]) -> None:
    """Put frames in the place of the contents they hold, by seq, where the memory is still cold. A
    version's content never changes, so a frame that was made of it before is right."""
    cold = select(_m.id).where(_m.tenant == tenant, _m.tier == Tier.COLD, _m.replaced_at.is_(None))
    statement = update(memories).where(
        _m.seq == bindparam("one"), _m.tenant == tenant, _m.packed.is_(None), _m.id.in_(cold)
    )
    values = [{"one": seq, "frame": frame} for seq, frame in frames.items()]
    connection.execute(statement.values(content="", packed=bindparam("frame")), values)


def unpack(connection: Connection, tenant: int, ids: Sequence[str]) -> None:
    """Give the versions of memories their contents back."""
    where = (_m.tenant == tenant, one_of(_m.id, ids), _m.packed.is_not(None))
    frames = connection.execute(select(_m.seq, _m.packed).where(*where)).all()
    values = [{"one": seq, "text": unpack_text(frame)} for seq, frame in frames]
    if values:
        statement = update(memories).where(_m.seq == bindparam("one"))
        connection.execute(statement.values(content=bindparam("text"), packed=None), values)


def chill(connection: Connection, tenant: int, model: int, seen: Mapping[int, datetime]) -> Moved:
    """Move versions to the cold tier, by seq, with when each was last used as far as was seen. Those
    that were used, pinned, moved, replaced or forgotten since are passed over."""
    where = (one_of(_m.seq, seen), _m.tenant + 0 == tenant, _m.tier == Tier.WARM, *_CURRENT)
    columns = select(_m.seq, _m.id, _m.used_at).where(*where, ~_m.pinned)
    rows = [row for row in connection.execute(columns) if row.used_at <= seen[row.seq]]
    seqs = [row.seq for row in rows]
    connection.execute(update(memories).where(one_of(_m.seq, seqs)).values(tier=Tier.COLD))
    removed = passage_ids(connection, tenant, model, seqs)
    return Moved(tuple(row.id for row in rows), Delta(removed=tuple(removed)))


def thaw(
    connection: Connection, tenant: int, model: int, dimension: int, seqs: Sequence[int]
) -> Moved:
    """Bring those of the versions that are cold and current back to the warm tier."""
    where = (one_of(_m.seq, seqs), _m.tenant + 0 == tenant, _m.tier == Tier.COLD, *_CURRENT)
    rows = connection.execute(select(_m.seq, _m.id).where(*where)).all()
    if not rows:
        return Moved((), Delta())
    found, ids = [row.seq for row in rows], tuple(row.id for row in rows)
    unpack(connection, tenant, ids)
    connection.execute(update(memories).where(one_of(_m.seq, found)).values(tier=Tier.WARM))
    return Moved(ids, indexed(connection, tenant, model, dimension, found))
