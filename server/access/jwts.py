"""JWTs of an authorization server, of which Loci is a resource server (OAuth 2.1, RFC 9068, RFC 8725)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jwt

from ..errors import Unauthorized
from .caller import Caller
from .guests import Guest
from .keys import Keys
from .scopes import scopes_in
from .tenants import is_tenant_name

__all__ = ["Claims", "JwtVerifier"]

_LEEWAY = 5.0
"""Seconds by which clocks may differ."""
_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Under which names a token says what."""

    tenant: str = "tenant"
    agent: str = "agent"
    scope: str = "scope"


class JwtVerifier:
    """Reads tokens of one issuer for one audience, signed with one of the pinned algorithms."""

    def __init__(
        self, keys: Keys, *, issuer: str, audience: str, algorithms: Sequence[str], claims: Claims
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = list(algorithms)
        self._claims = claims

    async def guest(self, token: str) -> Guest:
        """Who a token stands for. Raises Unauthorized."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._algorithms:
                raise Unauthorized("The token is not valid here.")
            name = header.get("kid")
            key = await self._keys.key(name if isinstance(name, str) else None)
            claims = cast(
                "Mapping[str, Any]",
                jwt.decode(
                    token,
                    key,
                    algorithms=self._algorithms,
                    issuer=self._issuer,
                    audience=self._audience,
                    leeway=_LEEWAY,
                    options={"require": ["exp", "iss", "aud"]},
                ),
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthorized("The token is not valid here.") from error
        return self._read(claims)

    def _read(self, claims: Mapping[str, Any]) -> Guest:
        tenant = claims.get(self._claims.tenant)
        if not isinstance(tenant, str) or not is_tenant_name(tenant):
            raise Unauthorized("The token is not valid here.")
        client = next((_text(claims.get(n)) for n in ("client_id", "azp") if claims.get(n)), "")
        subject = _text(claims.get("sub"))
        caller = Caller(
            tenant=tenant,
            agent=_text(claims.get(self._claims.agent)) or client or subject or None,
            scopes=scopes_in(_words(claims.get(self._claims.scope))),
            credential=f"jwt {client or '-'} {subject or '-'}",
        )
        return Guest(caller=caller, expires_at=float(claims["exp"]) + _LEEWAY)


def _words(value: object) -> list[str]:
    """Scopes come as one text, or as a list."""
    if isinstance(value, str):
        return value.split()
    return [str(one) for one in cast("list[object]", value)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A name in a claim, as far as it can be shown."""
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value if letter.isprintable())[:_NAME].strip()
