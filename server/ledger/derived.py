"""Which memories are derived from which: the provenance of summaries, and who goes with whom.

A summary says what its sources said. So it is hidden when one of them is, and erased with it; and what
was merged into a memory, since it says the same, is erased with that.
"""

import json
from collections.abc import Sequence
from functools import cache

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    union,
)

from .prepared import Prepared, prepare
from .tables import cycles, derivations, memories, steps
from .where import one_of

__all__ = ["Stale", "erased_with", "forget_steps", "sources", "spoken_for", "stale", "summaries_of"]

_d, _s, _m = derivations.c, steps.c, memories.c
_TENANT = bindparam("tenant", type_=Integer())
_LIVE = (_m.replaced_at.is_(None), _m.deleted_at.is_(None), _m.superseded_by.is_(None))

Stale = tuple[int, str, str]
"""Seq and id of a derived memory, and the id of the source that is not what it was."""


@cache
def sources() -> Prepared:
    """The ids of what the memory `id` is derived from."""
    where = (_d.tenant == _TENANT, _d.memory == bindparam("id"))
    return prepare(select(_d.source).where(*where).order_by(_d.source))


def _summaries_of() -> Select[str]:
    there = exists().where(
        _m.tenant == _d.tenant,
        _m.id == _d.memory,
        _m.replaced_at.is_(None),
        _m.deleted_at.is_(None),
    )
    wanted = bindparam("wanted", type_=Text())
    return (
        select(_d.memory).distinct().where(_d.tenant == _TENANT, one_of(_d.source, wanted), there)
    )


def summaries_of(connection: Connection, tenant: int, ids: Sequence[str]) -> list[str]:
    """What is derived from any of the memories and is not hidden."""
    values = {"tenant": tenant, "wanted": json.dumps(list(ids))}
    return list(connection.scalars(_summaries_of(), values))


def erased_with(connection: Connection, tenant: int, ids: Sequence[str]) -> list[str]:
    """What has to go with erased memories: what is derived from them, and what was merged into them
    or into that."""
    found = list(dict.fromkeys(ids))
    place = 0
    while place < len(found):
        some, place = found[place:], len(found)
        merged = select(_s.memory).join(cycles, cycles.c.id == _s.cycle)
        merged = merged.where(_s.tenant == tenant, _s.kind == "merge", one_of(_s.other, some))
        merged = merged.where(cycles.c.undone_at.is_(None))
        derived = select(_d.memory).where(_d.tenant == tenant, one_of(_d.source, some))
        more = connection.scalars(union(merged, derived))
        found = list(dict.fromkeys([*found, *more]))
    return found[len(set(ids)) :]


def forget_steps(connection: Connection, tenant: int, ids: Sequence[str]) -> None:
    """Drop what is known of erased memories' consolidation."""
    either = or_(one_of(_s.memory, ids), one_of(_s.other, ids))
    connection.execute(delete(steps).where(_s.tenant == tenant, either))
    either = or_(one_of(_d.memory, ids), one_of(_d.source, ids))
    connection.execute(delete(derivations).where(_d.tenant == tenant, either))


@cache
def stale() -> Prepared:
    """Live derived memories that are not pinned, of which a source was revised in its words, hidden,
    or superseded by what does not say the same."""
    derived, then, now = memories.alias("derived"), memories.alias("then"), memories.alias("now")
    merged = exists().where(
        _s.tenant == now.c.tenant, _s.kind == "merge", _s.memory == now.c.id, _s.after == now.c.seq
    )
    of_source = and_(now.c.tenant == _d.tenant, now.c.id == _d.source, now.c.replaced_at.is_(None))
    as_it_was = and_(
        then.c.tenant == _d.tenant, then.c.id == _d.source, then.c.version == _d.version
    )
    changed = or_(
        now.c.seq.is_(None),
        now.c.deleted_at.is_not(None),
        now.c.key != then.c.key,
        and_(now.c.superseded_by.is_not(None), ~merged),
    )
    of_memory = and_(derived.c.tenant == _d.tenant, derived.c.id == _d.memory)
    joined = derivations.join(derived, of_memory).outerjoin(now, of_source)
    statement = select(derived.c.seq, derived.c.id, _d.source).select_from(
        joined.outerjoin(then, as_it_was)
    )
    live = (derived.c.replaced_at.is_(None), derived.c.deleted_at.is_(None))
    unended = (derived.c.superseded_by.is_(None), derived.c.valid_until.is_(None))
    where = (_d.tenant == _TENANT, *live, *unended, ~derived.c.pinned, changed)
    return prepare(statement.where(*where).order_by(derived.c.seq))


@cache
def spoken_for() -> Prepared:
    """The ids of derived memories, and of what a live one, or one that was undone, is derived from."""
    live = exists().where(
        _m.tenant == _d.tenant, _m.id == _d.memory, *_LIVE, _m.valid_until.is_(None)
    )
    undone = exists().where(
        _s.tenant == _d.tenant,
        _s.memory == _d.memory,
        _s.kind == "sum",
        cycles.c.id == _s.cycle,
        cycles.c.undone_at.is_not(None),
    )
    taken = select(_d.source).where(_d.tenant == _TENANT, or_(live, undone))
    return prepare(
        select(union(select(_d.memory).where(_d.tenant == _TENANT), taken).subquery().c[0])
    )
