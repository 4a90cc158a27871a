"""The administrator's side of the ledger: which tenants there are, who may come in, what was done."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from ..errors import NotFound
from ..model import Actor, AuditEntry, TenantRow, Token, current_actor
from . import audit
from .access_tables import tokens
from .fulltext import create_words
from .jobs import Do
from .prepared import Prepared, prepare
from .readers import Readers
from .tables import memories, sequences, tenants
from .writer import Writer

__all__ = ["Registry"]

T = TypeVar("T")

_t, _k, _m = tenants.c, tokens.c, memories.c


class Registry:
    """Tenants, tokens and the audit: `Ledger.registry`. Names no memory and shows no content."""

    __slots__ = ("_readers", "_writer")

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer

    async def tenants(self, now: datetime) -> list[TenantRow]:
        """All, by their names; those that Loci itself needs aside."""
        return await self._readers.read(lambda c: _tenants(c, now))

    async def create_tenant(self, name: str, now: datetime) -> bool:
        """Enter a tenant. Whether it is new."""
        actor = current_actor()
        return await self._write(lambda c: _create(c, name, now, actor))

    async def add_token(self, token: Token, digest: bytes) -> None:
        """Keep a token by the SHA-256 of its secret. Raises NotFound: no such tenant."""
        actor = current_actor()
        await self._write(lambda c: _add(c, token, digest, actor))

    async def tokens(self, tenant: str | None) -> list[Token]:
        """All of a tenant, or of all, oldest first; expired and revoked ones too."""
        statement = _select_tokens().order_by(_k.number)
        if tenant is not None:
            statement = statement.where(_t.name == tenant)
        return await self._readers.read(lambda c: [_token(row) for row in c.execute(statement)])

    async def token(self, name: str) -> tuple[Token, bytes] | None:
        """One by its id, and the digest of its secret. It may be expired or revoked."""
        found = await self._readers.fetch(_by_id(), {"id": name})
        return (_token(found[0][:-1]), found[0][-1]) if found else None

    async def revoke_token(self, name: str, now: datetime) -> Token:
        """End a token. One that has ended stays as it is. Raises NotFound."""
        actor = current_actor()
        return await self._write(lambda c: _revoke(c, name, now, actor))

    async def had_tokens(self) -> bool:
        """Whether there ever was a token, whatever became of it."""
        statement = select(sequences.c.seq).where(sequences.c.name == tokens.name)
        return bool(await self._readers.read(lambda c: c.scalar(statement)))

    async def audit(self, tenant: str, after: int, limit: int) -> list[AuditEntry]:
        """What was done in a tenant, beyond an entry's number, oldest first."""
        return await self._readers.read(lambda c: audit.entries(c, tenant, after, limit))

    async def _write(self, job: Callable[[Connection], T]) -> T:
        return await self._writer.write(Do(job))


def _tenants(connection: Connection, now: datetime) -> list[TenantRow]:
    current = (
        select(func.count())
        .select_from(memories)
        .where(_m.tenant == _t.key, _m.replaced_at.is_(None), _m.deleted_at.is_(None))
        .scalar_subquery()
    )
    valid = (
        select(func.count())
        .select_from(tokens)
        .where(_k.tenant == _t.key, _k.revoked_at.is_(None), _k.expires_at > now)
        .scalar_subquery()
    )
    statement = select(_t.name, _t.created_at, current, valid).order_by(_t.name)
    rows = connection.execute(statement.where(_t.name.not_like("~%")))
    return [TenantRow(name=n, created_at=at, memories=m, tokens=k) for n, at, m, k in rows]


def _create(connection: Connection, name: str, now: datetime, actor: Actor) -> bool:
    row = {"name": name, "created_at": now}
    done = connection.execute(insert_once(tenants).values(row).on_conflict_do_nothing())
    key = _key(connection, name)
    create_words(connection, key)
    if done.rowcount:
        audit.note(connection, key, actor, "tenant create", (), now)
    return bool(done.rowcount)


def _key(connection: Connection, name: str) -> int:
    """Raises NotFound."""
    key = connection.scalar(select(_t.key).where(_t.name == name))
    if key is None:
        raise NotFound(f"There is no tenant {name}. Create it: loci tenant create {name}")
    return key


def _add(connection: Connection, token: Token, digest: bytes, actor: Actor) -> None:
    tenant = _key(connection, token.tenant)
    connection.execute(
        insert(tokens).values(
            id=token.id,
            tenant=tenant,
            hash=digest,
            scopes=list(token.scopes),
            agent=token.agent,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )
    action = f"token create {token.id}"
    audit.note(connection, tenant, actor, action, (), token.created_at)


def _revoke(connection: Connection, name: str, now: datetime, actor: Actor) -> Token:
    row = connection.execute(_select_tokens().where(_k.id == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no token {name[:40]}. See: loci token list")
    found = _token(row)
    if found.revoked_at is not None:
        return found
    connection.execute(update(tokens).where(_k.id == name).values(revoked_at=now))
    tenant = _key(connection, found.tenant)
    audit.note(connection, tenant, actor, f"token revoke {name}", (), now)
    return _token(connection.execute(_select_tokens().where(_k.id == name)).one())


def _select_tokens() -> Select[*tuple[Any, ...]]:
    return select(
        _k.id, _t.name, _k.scopes, _k.agent, _k.created_at, _k.expires_at, _k.revoked_at
    ).join_from(tokens, tenants)


@cache
def _by_id() -> Prepared:
    return prepare(_select_tokens().add_columns(_k.hash).where(_k.id == bindparam("id")))


def _token(row: Sequence[Any]) -> Token:
    name, tenant, scopes, agent, created_at, expires_at, revoked_at = row
    return Token(
        id=name,
        tenant=tenant,
        scopes=tuple(scopes),
        agent=agent,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
