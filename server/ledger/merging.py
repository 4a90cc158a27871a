"""Entities merged, taken apart again, and names split off. No name and no mention is lost by any of it.

A merge hangs one entity on another (`merges`); `root` says for each where it hangs in the end. So merges
form a forest, and undoing one gives back exactly what hung on the child.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, insert, select, update

from ..errors import InvalidInput, NotFound
from .about_erase import prune
from .about_tables import aliases, entities, mentions, merges
from .where import fold, one_of

__all__ = ["merge", "split", "undo"]

_e, _a, _n, _g = entities.c, aliases.c, mentions.c, merges.c


def merge(
    connection: Connection,
    tenant: int,
    into: str,
    children: Sequence[str],
    evidence: str,
    now: datetime,
) -> str:
    """Let entities, by id, be the same as another. Returns the id of the one that stands for all.

    Raises:
        NotFound: an id names no entity; nothing was merged.
    """
    roots = _roots(connection, tenant, [into, *children])
    root = roots[into]
    for child in dict.fromkeys(roots[one] for one in children):
        if child != root:
            values = {"child": child, "into": root, "evidence": evidence, "undone_at": None}
            at = _after_last(connection, tenant, child, now)
            connection.execute(insert(merges).values(tenant=tenant, at=at, **values))
            hanging = update(entities).where(_e.tenant == tenant, _e.root == child)
            connection.execute(hanging.values(root=root))
    return root


def undo(
    connection: Connection, tenant: int, into: str, children: Sequence[str], now: datetime
) -> list[str]:
    """Take entities apart again that were merged. Returns their ids.

    Raises:
        NotFound: one of them is not merged into that one; nothing was undone.
    """
    root = _roots(connection, tenant, [into])[into]
    edges = _edges(connection, tenant, root)
    missing = [child for child in children if child not in edges]
    if missing:
        raise NotFound(
            f"{', '.join(missing[:5])}: not merged into {into}. `entities` shows what is."
        )
    for child in children:
        edge = update(merges).where(_g.tenant == tenant, _g.child == child, _g.undone_at.is_(None))
        connection.execute(edge.values(undone_at=now))
        _hang(connection, tenant, child, _edges(connection, tenant, root))
    # What named the root may be erased: it stayed for those that it stood for.
    prune(connection, tenant, [root])
    return list(children)


def split(
    connection: Connection,
    tenant: int,
    entity: str,
    name: str,
    new: str,
    evidence: str,
    now: datetime,
) -> str:
    """Make a name of an entity an entity of its own, with the mentions that use it. Returns its id.

    Raises:
        NotFound: the entity has no such name.
        InvalidInput: it has no other name.
    """
    root = _roots(connection, tenant, [entity])[entity]
    folded = fold(name)
    rows = connection.execute(
        select(_a.entity, _a.folded, _a.name, _e.type)
        .select_from(entities.join(aliases, and_(_a.tenant == _e.tenant, _a.entity == _e.id)))
        .where(_e.tenant == tenant, _e.root == root)
    ).all()
    found = [row for row in rows if row.folded == folded]
    if not found:
        raise NotFound(f"{entity} has no name {name[:40]!r}. `entities` shows its names.")
    if len({row.folded for row in rows}) == 1:
        raise InvalidInput(
            f"{name[:40]!r} is the only name of {entity}; there is nothing to split."
        )
    values = {"id": new, "root": new, "name": found[0].name, "type": found[0].type}
    connection.execute(insert(entities).values(tenant=tenant, created_at=now, **values))
    for table in (aliases, mentions):
        moved = update(table).where(
            table.c.tenant == tenant,
            table.c.folded == folded,
            one_of(table.c.entity, [row.entity for row in found]),
        )
        connection.execute(moved.values(entity=new))
    # As a merge that was undone: the decision and its evidence stay readable.
    edge = {"child": new, "into": root, "at": now, "evidence": evidence, "undone_at": now}
    connection.execute(insert(merges).values(tenant=tenant, **edge))
    _take_another_name(connection, tenant, root, folded)
    return new


def _take_another_name(connection: Connection, tenant: int, root: str, folded: str) -> None:
    name = connection.scalar(select(_e.name).where(_e.tenant == tenant, _e.id == root))
    if name is not None and fold(name) == folded:
        mine = and_(_a.tenant == _e.tenant, _a.entity == _e.id)
        longest = (
            select(_a.name)
            .select_from(entities.join(aliases, mine))
            .where(_e.tenant == tenant, _e.root == root)
            .order_by(func.length(_a.name).desc(), _a.name)
            .limit(1)
        )
        named = update(entities).where(_e.tenant == tenant, _e.id == root)
        connection.execute(named.values(name=connection.scalar(longest)))


def _roots(connection: Connection, tenant: int, ids: Sequence[str]) -> dict[str, str]:
    where = (_e.tenant == tenant, one_of(_e.id, ids))
    found = dict(connection.execute(select(_e.id, _e.root).where(*where)).all())
    missing = [one for one in ids if one not in found]
    if missing:
        raise NotFound(f"No entity {', '.join(missing[:5])}. Ids come from `entities`.")
    return found


def _edges(connection: Connection, tenant: int, root: str) -> dict[str, str]:
    """What hangs on what, below a root."""
    mine = and_(_g.tenant == _e.tenant, _g.child == _e.id, _g.undone_at.is_(None))
    statement = select(_g.child, _g.into).select_from(entities.join(merges, mine))
    rows = connection.execute(statement.where(_e.tenant == tenant, _e.root == root))
    return dict(rows.all())


def _hang(connection: Connection, tenant: int, child: str, edges: dict[str, str]) -> None:
    """Let all that hangs on a child have it for its root."""
    group, size = {child}, 0
    while len(group) != size:
        size = len(group)
        group |= {one for one, into in edges.items() if into in group}
    hanging = update(entities).where(_e.tenant == tenant, one_of(_e.id, sorted(group)))
    connection.execute(hanging.values(root=child))


def _after_last(connection: Connection, tenant: int, child: str, now: datetime) -> datetime:
    """Two merges of one child have two times."""
    where = (_g.tenant == tenant, _g.child == child)
    last = connection.scalar(select(func.max(_g.at)).where(*where))
    return now if last is None or last < now else last + timedelta(microseconds=1)
