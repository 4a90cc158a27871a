"""A tenant goes, and all that is its own: what was remembered, its words and vectors, its tokens, its
audit. Every table that has a tenant is emptied of it, whichever come to be."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, select

from ..errors import NotFound
from .erase import Erasure, Needle, needles_of
from .fulltext import drop_words
from .tables import audit, memories, metadata, tenants, tokens
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
    needles = [*needles_of(connection, key, sought), *_itself(name)]
    counts = {table: _count(connection, table, key) for table in (tokens, audit)}
    drop_words(connection, key)
    for table in reversed(metadata.sorted_tables):
        if "tenant" in table.c and table is not audit:
            connection.execute(delete(table).where(table.c.tenant == key))
    _leave_no_key(connection, key, now)
    connection.execute(delete(audit).where(audit.c.tenant == key))
    erasure = Erasure(tuple(ids), Delta(), tuple(needles))
    return ErasedTenant(len(ids), versions, counts[tokens], counts[audit], len(sought), erasure)


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
