"""The outermost: every request gets a number, an entry in the log, and is turned away early where it
is addressed to another host, comes from a foreign web page, or is too long."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Entrance", "Hosts", "Seen"]

_PROBED = ("/healthz", "/readyz")
"""Asked by the address of a machine or a container, whatever that is."""
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

_log = structlog.get_logger("loci.web")

Seen = Callable[[str, str, int, float], None]
"""Is told of each request: method, route, status, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Which hosts a request may be addressed to, and which web pages may ask."""

    names: Sequence[str] = ()
    """Beside this machine's own; `name:*` for any port."""
    origins: Sequence[str] = ()
    security: TransportSecuritySettings = field(init=False)

    def __post_init__(self) -> None:
        own = ("127.0.0.1", "localhost", "[::1]")
        security = TransportSecuritySettings(
            allowed_hosts=[*own, *(f"{name}:*" for name in own), *self.names],
            allowed_origins=[
                *(
                    f"{scheme}://{name}{port}"
                    for scheme in ("http", "https")
                    for name in own
                    for port in ("", ":*")
                ),
                *self.origins,
            ],
        )
        object.__setattr__(self, "security", security)


class Entrance:
    """Middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, largest: int, seen: Seen | None) -> None:
        """`largest` in bytes, of a request's body."""
        self._app = app
        self._checks = TransportSecurityMiddleware(hosts.security)
        self._largest = largest
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Space around a value is none of it (RFC 9110, 5.5), which not every parser under us knows.
        scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        headers = Headers(scope=scope)
        name = headers.get("x-request-id", "")
        name = name if _GIVEN.fullmatch(name) else secrets.token_hex(8)
        noting = _Noting(send, name)
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=name):
            try:
                refusal = await self._refusal(scope, receive, headers)
                await (refusal or self._app)(scope, receive, noting.send)
            finally:
                self._note(scope, noting.status, time.perf_counter() - began)

    async def _refusal(self, scope: Scope, receive: Receive, headers: Headers) -> Response | None:
        if scope["path"] in _PROBED:
            return None
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._largest:
            return PlainTextResponse(
                f"The request has {int(length):,} bytes; at most {self._largest:,}. Split it.", 413
            )
        return await self._checks.validate_request(Request(scope, receive))

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        guest = scope.get("guest")
        who = {} if guest is None else {"who": guest.caller.credential}
        # The route and not the path: whatever is asked for that is not there is nobody's business.
        route = getattr(scope.get("route"), "path", "-")
        took = round(seconds * 1000, 1)
        _log.info("request", method=scope["method"], route=route, status=status, ms=took, **who)
        if self._seen is not None:
            self._seen(scope["method"], route, status, seconds)


class _Noting:
    """Puts the request's number into the answer, and notes the status."""

    def __init__(self, send: Send, name: str) -> None:
        self._send = send
        self._name = name
        self.status = 499
        """Nobody heard an answer."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self._name
        await self._send(message)
