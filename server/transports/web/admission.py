"""Who asks, told from the credential of each request; how often; and for how long."""

import ipaddress

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.inbound import decode_header_value
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...access import as_caller
from ...access.doorkeeper import Doorkeeper
from ...access.guests import Guest
from ...access.limits import Limiter
from ...access.scopes import Scope as Right
from ...errors import LimitExceeded, StoreError, Unauthorized
from ..gate import Needs, missing_scopes
from .challenge import Challenge, too_many
from .open_streams import OpenStreams

__all__ = ["Admission"]

_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LISTENING = "subscriptions/listen"
_NAMING = ("tools/call", "resources/read")
"""Requests whose headers name what they are about (protocol 2026-07-28)."""


class Admission:
    """Leads to ASGI applications; makes a guarded one of each."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        challenge: Challenge,
        limiter: Limiter,
        streams: OpenStreams,
        needs: Needs,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._challenge = challenge
        self._limiter = limiter
        self._streams = streams
        self._needs = needs

    def to(self, app: ASGIApp, *rights: Right) -> ASGIApp:
        """The application, for those who may come in and have these scopes."""
        return _Guarded(self, AuthContextMiddleware(app), frozenset(rights))

    async def admit(
        self, app: ASGIApp, rights: frozenset[Right], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let a request through on its caller's behalf, or say why not."""
        headers = Headers(scope=scope)
        try:
            bearer = _bearer(headers)
            guest = await self._doorkeeper.guest(bearer, near=_is_near(scope, headers))
            self._limiter.request(guest.caller.tenant)
        except Unauthorized as error:
            had_token = "authorization" in headers
            refusal = self._challenge.unauthorized(str(error), had_token=had_token)
            return await refusal(scope, receive, send)
        except LimitExceeded as error:
            return await too_many(error)(scope, receive, send)
        except StoreError as error:
            return await PlainTextResponse(str(error), 503)(scope, receive, send)
        with as_caller(guest.caller):
            if missing := missing_scopes(rights | self._told(headers)):
                return await self._challenge.forbidden(missing)(scope, receive, send)
            scope["guest"] = guest
            scope["user"] = _user(guest)
            await self._serve(app, guest, scope, receive, send)

    def _told(self, headers: Headers) -> frozenset[Right]:
        """What a request needs by what it says of itself in its headers. Whether that is true the SDK
        checks, and the gate asks again; but only here can the answer be one of HTTP."""
        method, name = headers.get("mcp-method", ""), headers.get("mcp-name", "")
        if method not in _NAMING:
            return frozenset()
        name = decode_header_value(name) or ""
        return self._needs.of(method, {"name": name, "uri": name})

    async def _serve(
        self, app: ASGIApp, guest: Guest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not _is_stream(scope):
            return await app(scope, receive, send)
        sent = _Sent(send)
        try:
            with self._limiter.stream(guest.caller.tenant), self._streams.held(guest) as held:
                await app(scope, held.until_then(receive), sent.send)
        except LimitExceeded as error:
            return await too_many(error)(scope, receive, send)
        if held.ended:
            await sent.end()


class _Guarded:
    """An ASGI application behind the admission."""

    def __init__(self, admission: Admission, app: ASGIApp, rights: frozenset[Right]) -> None:
        self._admission = admission
        self._app = app
        self._rights = rights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._admission.admit(self._app, self._rights, scope, receive, send)


class _Sent:
    """How far an answer is: one that is cut off is brought to its end."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self._ended = False

    async def send(self, message: Message) -> None:
        self._begun = True
        self._ended = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def end(self) -> None:
        if self._ended:
            return
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 503, "headers": []})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _bearer(headers: Headers) -> str | None:
    """Raises Unauthorized for what is no bearer token."""
    found = headers.getlist("authorization")
    if not found:
        return None
    kind, _, token = found[0].partition(" ")
    if len(found) > 1 or kind.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send one bearer token: Authorization: Bearer TOKEN")
    return token.strip()


def _is_near(scope: Scope, headers: Headers) -> bool:
    """Whether a request comes from this machine, and through no proxy that says so."""
    client = scope.get("client")
    if client is None or any(name in headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _is_stream(scope: Scope) -> bool:
    method = Headers(scope=scope).get("mcp-method")
    return scope["method"] == "GET" or method == _LISTENING


def _user(guest: Guest) -> AuthenticatedUser:
    """Whom the SDK binds sessions and what it seals to: to the tenant as well as to the credential."""
    caller = guest.caller
    owner = f"{caller.tenant}\n{caller.credential}"
    return AuthenticatedUser(AccessToken(token="", client_id=owner, scopes=sorted(caller.scopes)))
