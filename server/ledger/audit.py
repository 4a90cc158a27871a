"""Who did what to which memories: entries without content, written in the transaction of the deed.

Triggers refuse to change or remove an entry, unless its tenant is gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from ..model import Actor, AuditEntry, Deed, current_actor, utc_now
from .access_tables import audit
from .tables import tenants

__all__ = ["Deeds", "entries", "note"]

_LISTED = 100
"""Ids in an entry."""

_a = audit.c


@dataclass(frozen=True, slots=True)
class Deeds:
    """The audit of one tenant, if it is kept."""

    tenant: int
    kept: bool

    def actor(self) -> Actor | None:
        """Whoever asks now, where deeds are written down."""
        return current_actor() if self.kept else None

    def noting(self, action: str) -> Callable[[Connection, Sequence[str]], None]:
        """What writes a deed down in its transaction, on behalf of whoever asks for it now."""
        if not self.kept:
            return lambda _, ids: None
        actor, now = current_actor(), utc_now()
        return lambda c, ids: note(c, self.tenant, actor, action, ids, now)


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
