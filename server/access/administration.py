"""What an administrator does: tenants and tokens. Who may is decided by the operating system: who can
reach the data directory."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import InvalidInput
from ..model import AuditEntry, Issued, TenantErased, TenantRow, Token, utc_now
from .scopes import Scope, scopes_in
from .tenants import is_tenant_name
from .tokens import new_token

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["Administration"]

_PAGE = 1000


class Administration:
    """Over an engine, as soon as it is open."""

    def __init__(self, engine: "Callable[[], Awaitable[Engine]]") -> None:
        self._engine = engine
        self.on_revoked: Callable[[str], None] = lambda _: None
        """Told the id of a token that was revoked."""
        self.on_erased: Callable[[str], None] = lambda _: None
        """Told the name of a tenant that is gone."""

    async def tenants(self) -> list[TenantRow]:
        """All tenants."""
        return await (await self._engine()).registry.tenants(utc_now())

    async def create_tenant(self, name: str) -> bool:
        """Enter a tenant. Whether it is new. Raises InvalidInput."""
        if not is_tenant_name(name):
            raise InvalidInput("A tenant has 1 to 200 printable characters, no ~ at the start.")
        return await (await self._engine()).registry.create_tenant(name, utc_now())

    async def erase_tenant(self, name: str) -> TenantErased:
        """Remove a tenant and all that is its own. Raises NotFound."""
        erased = await (await self._engine()).erase_tenant(name)
        self.on_erased(name)
        return erased

    async def tokens(self, tenant: str | None) -> list[Token]:
        """All of a tenant, or of all."""
        return await (await self._engine()).registry.tokens(tenant)

    async def create_token(
        self, tenant: str, scopes: Sequence[str], agent: str | None, days: float
    ) -> Issued:
        """Raises InvalidInput, NotFound: no such tenant."""
        known = scopes_in(scopes)
        if len(known) != len(set(scopes)):
            raise InvalidInput(f"scopes: use {', '.join(Scope)}.")
        issued, digest = new_token(tenant, known, agent, utc_now(), timedelta(days=days))
        await (await self._engine()).registry.add_token(issued.token, digest)
        return issued

    async def revoke_token(self, name: str) -> Token:
        """End a token, and what is open with it. Raises NotFound."""
        token = await (await self._engine()).registry.revoke_token(name, utc_now())
        self.on_revoked(name)
        return token

    async def audit(self, tenant: str, after: int) -> list[AuditEntry]:
        """What was done in a tenant, beyond an entry's number, oldest first; up to 1,000 entries."""
        return await (await self._engine()).registry.audit(tenant, after, _PAGE)
