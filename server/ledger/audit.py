"""Who did what to which memories: entries without content, written in the transaction of the deed.

Triggers refuse to change or remove an entry, unless its tenant is gone.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from ..model import Actor, AuditEntry, Deed
from .tables import audit, tenants

__all__ = ["entries", "note"]

_LISTED = 100
"""Ids in an entry."""

_a = audit.c


def note(
    connection: Connection,
    tenant: int,
    actor: Actor,
    action: str,
    ids: Sequence[str],
    now: datetime,
) -> None:
    """Write down what the transaction at hand does."""
    connection.execute(
        insert(audit).values(
            tenant=tenant,
            at=now,
            credential=actor.credential,
            agent=actor.agent,
            action=action,
            ids=list(ids[:_LISTED]),
            count=len(ids),
        )
    )


def entries(connection: Connection, tenant: str, after: int, limit: int) -> list[AuditEntry]:
    """A tenant's entries beyond a number, oldest first."""
    statement = (
        select(_a.number, _a.at, _a.credential, _a.agent, _a.action, _a.ids, _a.count)
        .join(tenants, tenants.c.key == _a.tenant)
        .where(tenants.c.name == tenant, _a.number > after)
        .order_by(_a.number)
        .limit(limit)
    )
    return [
        AuditEntry(
            number=number,
            at=at,
            deed=Deed(
                credential=credential, agent=agent, action=action, ids=tuple(ids), count=count
            ),
        )
        for number, at, credential, agent, action, ids, count in connection.execute(statement)
    ]
