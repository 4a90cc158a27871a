"""What goes when memories are erased: all that was derived from them and that nothing else supports."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from .about import About, write
from .about_tables import aliases, contexts, entities, links, mentions, merges, states
from .where import one_of

__all__ = ["derived_texts", "erase_about", "forget_about", "prune", "rewrite"]

_e, _a, _n, _s = entities.c, aliases.c, mentions.c, states.c


def derived_texts(connection: Connection, tenant: int, ids: Sequence[str]) -> list[str]:
    """What was made of the memories, to be looked for afterwards: names, values, contexts."""
    mine = and_(_a.tenant == _n.tenant, _a.entity == _n.entity, _a.folded == _n.folded)
    names = select(_a.name).join(mentions, mine)
    names = names.where(_n.tenant == tenant, one_of(_n.memory, ids))
    values = select(_s.value).where(_s.tenant == tenant, one_of(_s.memory, ids))
    lines = select(contexts.c.context)
    lines = lines.where(contexts.c.tenant == tenant, one_of(contexts.c.memory, ids))
    found = (connection.scalars(statement) for statement in (names, values, lines))
    return list(dict.fromkeys(text for texts in found for text in texts))


def erase_about(connection: Connection, tenant: int, ids: Sequence[str]) -> None:
    """Remove what was derived from memories, their links, and the entities that nothing else names."""
    touched = _drop(connection, tenant, ids)
    ends = or_(one_of(links.c.source, ids), one_of(links.c.target, ids))
    connection.execute(delete(links).where(links.c.tenant == tenant, ends))
    prune(connection, tenant, touched)


def rewrite(
    connection: Connection, tenant: int, rows: Sequence[tuple[str, About]], now: datetime
) -> None:
    """Write what memories are about, in the place of what was written before. Their links stay."""
    touched = _drop(connection, tenant, [memory for memory, _ in rows])
    write(connection, tenant, rows, now)
    prune(connection, tenant, touched)


def forget_about(connection: Connection, tenant: int, ids: Sequence[str]) -> None:
    """Remove what memories are about, so that they are looked through again. Their links stay."""
    prune(connection, tenant, _drop(connection, tenant, ids))


def _drop(connection: Connection, tenant: int, ids: Sequence[str]) -> list[str]:
    """Returns the entities that were named."""
    touched = _touched(connection, tenant, ids)
    for table in (mentions, states, contexts):
        of = (table.c.tenant == tenant, one_of(table.c.memory, ids))
        connection.execute(delete(table).where(*of))
    return touched


def _touched(connection: Connection, tenant: int, ids: Sequence[str]) -> list[str]:
    return [
        *connection.scalars(
            select(_n.entity).where(_n.tenant == tenant, one_of(_n.memory, ids)).distinct()
        ),
        *connection.scalars(
            select(_s.entity).where(_s.tenant == tenant, one_of(_s.memory, ids)).distinct()
        ),
    ]


def prune(connection: Connection, tenant: int, touched: Sequence[str]) -> None:
    """Remove the names and the entities among those touched that no memory supports any more."""
    if not touched:
        return
    named = exists().where(_n.tenant == _a.tenant, _n.entity == _a.entity, _n.folded == _a.folded)
    mine = (_a.tenant == tenant, one_of(_a.entity, touched))
    connection.execute(delete(aliases).where(*mine, ~named))
    _remove_empty(connection, tenant, touched)
    _rename(connection, tenant, touched)


def _remove_empty(connection: Connection, tenant: int, touched: Sequence[str]) -> None:
    """An entity that stands for others stays as long as one of them is named."""
    group = entities.alias()
    roots = select(_e.root).where(_e.tenant == tenant, one_of(_e.id, touched))
    members = list(
        connection.scalars(
            select(group.c.id).where(group.c.tenant == tenant, group.c.root.in_(roots))
        )
    )
    # A pronoun alone supports nothing: whom it means was told by what is gone.
    used = exists().where(_n.tenant == _e.tenant, _n.entity == _e.id, _n.folded != "")
    others = entities.alias()
    stands_for = exists().where(
        others.c.tenant == _e.tenant, others.c.root == _e.id, others.c.id != _e.id
    )
    # Members first: then a root that stands for none of them any more can go as well.
    for standing in (_e.root != _e.id, ~stands_for):
        gone = (_e.tenant == tenant, one_of(_e.id, members), ~used, standing)
        connection.execute(delete(entities).where(*gone))
    left = set(connection.scalars(select(_e.id).where(_e.tenant == tenant, one_of(_e.id, members))))
    gone = [one for one in members if one not in left]
    m = merges.c
    # What hung on an entity that goes hangs on its root: it can still be taken apart.
    root = select(_e.root).where(_e.tenant == tenant, _e.id == m.child).scalar_subquery()
    loose = (one_of(m.into, gone), one_of(m.child, sorted(left)), m.undone_at.is_(None))
    connection.execute(update(merges).where(m.tenant == tenant, *loose).values(into=root))
    connection.execute(
        delete(merges).where(m.tenant == tenant, or_(one_of(m.child, gone), one_of(m.into, gone)))
    )
    for table in (aliases, mentions, states):
        of = (table.c.tenant == tenant, one_of(table.c.entity, gone))
        connection.execute(delete(table).where(*of))


def _rename(connection: Connection, tenant: int, touched: Sequence[str]) -> None:
    """An entity must not go by a name that was erased: it takes its longest that is left."""
    roots = select(_e.root).where(_e.tenant == tenant, one_of(_e.id, touched))
    rows = connection.execute(
        select(_e.id, _e.root, _e.name, _a.name)
        .select_from(entities.outerjoin(aliases, and_(_a.tenant == _e.tenant, _a.entity == _e.id)))
        .where(_e.tenant == tenant, _e.root.in_(roots))
    ).all()
    names: dict[str, set[str]] = {}
    group: dict[str, set[str]] = {}
    for one, root, _, alias in rows:
        if alias is not None:
            names.setdefault(one, set()).add(alias)
            group.setdefault(root, set()).add(alias)
    for one, root, name in {(one, root, name) for one, root, name, _ in rows}:
        mine = names.get(one) or group.get(root) or {""}
        if name not in mine:
            longest = max(mine, key=lambda text: (len(text), text))
            where = (_e.tenant == tenant, _e.id == one)
            connection.execute(update(entities).where(*where).values(name=longest))
