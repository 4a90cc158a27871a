"""From a bearer token to a caller, anew for each call: nothing that was known before counts."""

from datetime import datetime
from typing import Protocol

from ..errors import Unauthorized
from ..model import Token
from .caller import Caller
from .guests import Guest
from .jwts import JwtVerifier
from .scopes import scopes_in
from .tokens import PREFIX, id_of, is_same

__all__ = ["Credentials", "TokenStore"]

_LONGEST = 8192


class TokenStore(Protocol):
    """Where Loci's own tokens are kept."""

    async def token(self, name: str) -> tuple[Token, bytes] | None:
        """One by its id, with the digest of its secret."""
        ...


class Credentials:
    """Knows whom to let in."""

    def __init__(self, store: TokenStore, jwts: JwtVerifier | None) -> None:
        """Without `jwts`, Loci's own tokens alone are valid."""
        self._store = store
        self._jwts = jwts

    async def guest(self, bearer: str, now: datetime) -> Guest:
        """Who a bearer token stands for.

        Raises:
            Unauthorized: it is not valid, whatever is wrong with it.
            StoreError: Loci's own tokens cannot be looked up; nobody is let in.
        """
        if len(bearer) <= _LONGEST:
            if bearer.startswith(PREFIX):
                return await self._own(bearer, now)
            if self._jwts is not None:
                return await self._jwts.guest(bearer)
        raise Unauthorized("The token is not valid here.")

    async def _own(self, secret: str, now: datetime) -> Guest:
        name = id_of(secret)
        found = None if name is None else await self._store.token(name)
        if found is None or not is_same(secret, found[1]) or not _is_valid(found[0], now):
            raise Unauthorized("The token is not valid here.")
        token = found[0]
        caller = Caller(
            tenant=token.tenant,
            agent=token.agent,
            scopes=scopes_in(token.scopes),
            credential=f"token {token.id}",
        )
        return Guest(caller=caller, expires_at=token.expires_at.timestamp(), token=token.id)


def _is_valid(token: Token, now: datetime) -> bool:
    return token.revoked_at is None and now < token.expires_at
