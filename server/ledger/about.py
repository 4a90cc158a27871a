"""What a memory is about, as it is written: in the transaction that stores the memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import Insert, insert

from ..model import LinkType
from .about_tables import aliases, contexts, entities, links, mentions, states
from .tables import Micros, memories
from .where import one_of

__all__ = ["About", "NewEntity", "NewLink", "NewMention", "NewState", "Pruned", "link", "write"]


class NewEntity(NamedTuple):
    """An entity that a memory names: one that is known, or a new one."""

    id: str
    name: str
    """As this memory writes it."""
    shown: str
    """As it is called from now on."""
    type: str
    fresh: bool
    """Whether nobody knew it when the memory was prepared."""
    apart: bool
    """Whether it is another than whatever bears the same name already."""
    learned: bool
    """Whether its name or its sort is known better than before."""
    kept: bool
    """Whether the ledger had it, by this name, when the memory was prepared."""
    bare: str
    first: str
    last: str
    skeleton: str
    """Forms of the name by which others like it are found; see `entities.naming`."""
    folded: str


class NewMention(NamedTuple):
    """Where a memory names an entity. Both places are 0 where it does so outside its content."""

    entity: str
    folded: str
    """The name; empty for a pronoun and the like."""
    start: int
    stop: int
    how: str
    evidence: str


class NewState(NamedTuple):
    """What a memory says of an entity."""

    entity: str
    attribute: str
    value: str
    single: bool
    negated: bool


class NewLink(NamedTuple):
    """A link to an older memory."""

    target: str
    type: LinkType
    why: str


class Pruned:
    """How often entities were removed in this process: what was kept before may be gone."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What one memory is about."""

    entities: tuple[NewEntity, ...] = ()
    mentions: tuple[NewMention, ...] = ()
    states: tuple[NewState, ...] = ()
    links: tuple[NewLink, ...] = ()
    keywords: tuple[str, ...] = ()
    context: str = ""
    extractor: str = ""
    pruned: Pruned | None = None
    pruned_then: int = 0
    """What `pruned` said before the memory was prepared."""

    def to_write(self) -> list[NewEntity]:
        """Entities that the ledger may not have, by the names that they have here."""
        all_kept = self.pruned is not None and self.pruned.times == self.pruned_then
        return [one for one in self.entities if not (one.kept and all_kept)]


def write(
    connection: Connection, tenant: int, rows: Sequence[tuple[str, About]], now: datetime
) -> None:
    """Write what memories, by id, are about. What was written of them before must be dropped."""
    if not rows:
        return
    wanted = [one for _, about in rows for one in about.to_write()]
    ids = _settled(connection, tenant, wanted)
    named = [one._replace(id=ids[one.id]) for one in wanted]
    _entities(connection, tenant, named, now)
    _aliases(connection, tenant, [one for one in named if one.folded])
    _put(connection, mentions, [
        {"tenant": tenant, "memory": memory, "ord": place, **one._replace(entity=ids.get(one.entity, one.entity))._asdict()}
        for memory, about in rows
        for place, one in enumerate(about.mentions)
    ])  # fmt: skip
    _put(connection, states, [
        {"tenant": tenant, "memory": memory, "ord": place, **one._replace(entity=ids.get(one.entity, one.entity))._asdict()}
        for memory, about in rows
        for place, one in enumerate(about.states)
    ])  # fmt: skip
    _put(connection, contexts, [
        {"tenant": tenant, "memory": memory, "keywords": about.keywords, "context": about.context, "extractor": about.extractor}
        for memory, about in rows
    ])  # fmt: skip
    link(connection, tenant, [(memory, one) for memory, about in rows for one in about.links], now)


def link(
    connection: Connection, tenant: int, rows: Sequence[tuple[str, NewLink]], now: datetime
) -> None:
    """Link memories, by id, to older ones that are still there."""
    values = [
        {"of": tenant, "source": source, "to": one.target, "kind": one.type, "reason": one.why, "then": now}
        for source, one in rows
        if one.target != source
    ]  # fmt: skip
    if values:
        connection.execute(_link(), values)


@cache
def _link() -> Insert:
    """Compiled once, as are the others here: making a statement costs more than running it."""
    m = memories.c
    of = bindparam("of", type_=Integer())
    cells = (
        of, bindparam("source", type_=Text()), m.id, bindparam("kind", type_=Text()),
        bindparam("reason", type_=Text()), bindparam("then", type_=Micros()),
    )  # fmt: skip
    there = select(*cells).where(
        m.tenant == of, m.id == bindparam("to", type_=Text()), m.replaced_at.is_(None)
    )
    names = ["tenant", "source", "target", "type", "why", "at"]
    return insert(links).from_select(names, there).on_conflict_do_nothing()


@cache
def _bearers() -> Select[str, str]:
    """Roots of those who bear one of the `names`, by name."""
    a, e = aliases.c, entities.c
    same = and_(e.tenant == a.tenant, e.id == a.entity)
    there = select(a.folded, e.root).select_from(aliases.join(entities, same))
    where = (
        a.tenant == bindparam("of", type_=Integer()),
        one_of(a.folded, bindparam("names", type_=Text())),
    )
    return there.where(*where)


@cache
def _insert(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


def _settled(connection: Connection, tenant: int, named: Sequence[NewEntity]) -> dict[str, str]:
    """The id of each as it is now: another may have made an entity of the same name meanwhile. One that
    was known and is gone begins anew, under the name that is written here."""
    ids = {one.id: one.id for one in named}
    fresh = [one for one in named if one.fresh and not one.apart]
    if fresh:
        values = {"of": tenant, "names": json.dumps([one.folded for one in fresh])}
        taken = dict(connection.execute(_bearers(), values).all())
        for one in fresh:
            ids[one.id] = taken.setdefault(one.folded, one.id)
    return ids


def _entities(
    connection: Connection, tenant: int, named: Sequence[NewEntity], now: datetime
) -> None:
    """Those that are there stay as they are, unless they are known better now."""
    made = {one.id: one for one in reversed(named)}
    _put(connection, entities, [
        {"tenant": tenant, "id": one.id, "root": one.id, "name": one.name, "type": one.type, "created_at": now}
        for one in made.values()
    ])  # fmt: skip
    for one in named:
        if one.learned:
            better = update(entities).where(entities.c.tenant == tenant, entities.c.id == one.id)
            connection.execute(better.values(name=one.shown, type=one.type))


def _aliases(connection: Connection, tenant: int, named: Sequence[NewEntity]) -> None:
    _put(connection, aliases, [
        {
            "tenant": tenant,
            "folded": one.folded,
            "entity": one.id,
            "name": one.name,
            "bare": one.bare,
            "first": one.first,
            "last": one.last,
            "skeleton": one.skeleton,
        }
        for one in named
    ])  # fmt: skip


def _put(connection: Connection, table: Table, values: Sequence[dict[str, Any]]) -> None:
    if values:
        connection.execute(_insert(table), values)
