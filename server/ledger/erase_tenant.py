"""A tenant goes, and all that is its own: what was remembered, its words and vectors, its tokens, its
audit. Every table that has a tenant, or rows of one that has, is emptied of it, whichever come to be."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select

from ..errors import NotFound
from ..model.render import compact
from .access_tables import audit, tokens
from .board_tables import boards, cells
from .erase import Erasure, Needle, needles_of, pieces, telling
from .fulltext import drop_words
from .tables import memories, metadata, notes, tenants
from .vectors import Delta

__all__ = ["ErasedTenant", "erase_tenant"]

_SOUGHT = 100
"""Memories that are looked for afterwards, spread over all: each has some ten needles, and each
needle is sought in the whole database."""
_GONE = "~erased"
"""Holds the highest key that was ever given: a key of a tenant that is gone is never given again."""

_m, _t = memories.c, tenants.c


class ErasedTenant(NamedTuple):
    """What went, and what to look for."""

    memories: int
    versions: int
    tokens: int
    audit: int
    sought: int
    erasure: Erasure


def erase_tenant(connection: Connection, name: str, now: datetime) -> ErasedTenant:
    """Remove a tenant, in the caller's transaction. What writes to it meanwhile fails afterwards.

    Raises:
        NotFound: there is no such tenant.
    """
    key = connection.scalar(select(_t.key).where(_t.name == name))
    if key is None:
        raise NotFound(f"There is no tenant {name[:40]}. See: loci tenant list")
    ids = list(connection.scalars(select(_m.id).where(_m.tenant == key).distinct().order_by(_m.id)))
    versions = _count(connection, memories, key)
    sought = ids[:: max(1, -(-len(ids) // _SOUGHT))]
    needles = [*needles_of(connection, key, sought), *_written(connection, key), *_itself(name)]
    counts = {table: _count(connection, table, key) for table in (tokens, audit)}
    drop_words(connection, key)
    for table in reversed(metadata.sorted_tables):
        mine = _mine(table, key)
        if mine is not None and table is not audit:
            connection.execute(delete(table).where(mine))
    _leave_no_key(connection, key, now)
    connection.execute(delete(audit).where(audit.c.tenant == key))
    erasure = Erasure(tuple(ids), Delta(), telling(needles))
    return ErasedTenant(len(ids), versions, counts[tokens], counts[audit], len(sought), erasure)


def _mine(table: Table, tenant: int) -> ColumnElement[bool] | None:
    """Which rows of a table are a tenant's, by themselves or by what they belong to."""
    if "tenant" in table.c:
        return table.c.tenant == tenant
    for key in table.foreign_keys:
        if "tenant" in (owner := key.column.table).c:
            return key.parent.in_(select(key.column).where(owner.c.tenant == tenant))
    return None


def _written(connection: Connection, tenant: int) -> list[Needle]:
    """What to look for of its newest notes and cells."""
    content = select(notes.c.content).where(notes.c.tenant == tenant)
    value = select(cells.c.value).join(boards).where(boards.c.tenant == tenant)
    texts = [
        *connection.scalars(content.order_by(notes.c.seq.desc()).limit(_SOUGHT)),
        *map(compact, connection.scalars(value.order_by(cells.c.at.desc()).limit(_SOUGHT))),
    ]
    return [Needle("text", piece.encode()) for text in texts for piece in pieces(text)]


def _count(connection: Connection, table: Table, tenant: int) -> int:
    statement = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    return connection.execute(statement).scalar_one()


def _itself(name: str) -> list[Needle]:
    """The tenant's name, where it is long enough to be found by chance nowhere."""
    return [Needle("tenant", name.encode())] if len(set(name.encode())) >= 8 else []


def _leave_no_key(connection: Connection, key: int, now: datetime) -> None:
    highest = connection.execute(select(func.max(_t.key))).scalar_one()
    connection.execute(delete(tenants).where(_t.key == key))
    if key == highest:
        connection.execute(delete(tenants).where(_t.name == _GONE))
        row = {"key": key + 1, "name": _GONE, "created_at": now}
        connection.execute(insert(tenants).values(row))
