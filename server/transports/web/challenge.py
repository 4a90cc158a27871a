"""What is said to who is not let in (RFC 6750, RFC 9728), and where credentials come from."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import JSONResponse

from ...access import Scope
from ...errors import LimitExceeded

__all__ = ["METADATA", "Challenge", "too_many"]

METADATA = "/.well-known/oauth-protected-resource"
"""Where RFC 9728 puts the metadata of a resource; its path is appended."""
_DEFAULT = (Scope.MEMORY_READ, Scope.MEMORY_WRITE)
"""What a client that asks for nothing in particular is told to ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What clients are told of how to come in."""

    resource: str | None = None
    """This server as tokens name it, such as `https://memory.example.com/mcp`."""
    issuer: str | None = None
    """The authorization server; None where there are Loci's own tokens alone."""

    def unauthorized(self, text: str, *, had_token: bool) -> JSONResponse:
        """401. Who brought no credential is told no error code, as RFC 6750 asks."""
        more = ['error="invalid_token"', f'error_description="{text}"'] if had_token else []
        error = "invalid_token" if had_token else "unauthorized"
        return self._refusal(401, error, text, more, _DEFAULT)

    def forbidden(self, missing: Iterable[Scope]) -> JSONResponse:
        """403: a credential with more scopes is needed."""
        named = list(missing)
        text = f"This needs the scope {' and '.join(named)}."
        more = ['error="insufficient_scope"', f'error_description="{text}"']
        return self._refusal(403, "insufficient_scope", text, more, named)

    def metadata(self) -> dict[str, object]:
        """The protected resource metadata of RFC 9728."""
        return {
            "resource": self.resource,
            **({"authorization_servers": [self.issuer]} if self.issuer else {}),
            "scopes_supported": [scope.value for scope in Scope],
            "bearer_methods_supported": ["header"],
            "resource_name": "Loci",
        }

    def _refusal(
        self, status: int, error: str, text: str, more: list[str], scopes: Iterable[Scope]
    ) -> JSONResponse:
        said = ['realm="loci"', *more, f'scope="{" ".join(scopes)}"']
        if self.resource is not None:
            base, _, path = self.resource.partition("//")[2].partition("/")
            scheme = self.resource.partition("//")[0]
            said.append(f'resource_metadata="{scheme}//{base}{METADATA}/{path}"')
        headers = {"WWW-Authenticate": f"Bearer {', '.join(said)}", "Cache-Control": "no-store"}
        body = {"error": error, "error_description": text}
        return JSONResponse(body, status_code=status, headers=headers)


def too_many(error: LimitExceeded) -> JSONResponse:
    """429, with when to come back."""
    seconds = error.retry_after or 1.0
    body = {"error": "limit_exceeded", "error_description": str(error), "retry_after": seconds}
    headers = {"Retry-After": str(math.ceil(seconds))}
    return JSONResponse(body, status_code=429, headers=headers)
