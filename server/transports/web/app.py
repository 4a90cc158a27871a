"""The one application of the network door."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server.sse import SseServerTransport
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from ...access.doorkeeper import Doorkeeper
from ...access.limits import Limiter
from ...access.scopes import Scope as Right
from ...model import Readiness
from ..server import LociServer
from .admission import Admission
from .challenge import METADATA, Challenge
from .entrance import Entrance, Hosts, Seen
from .open_streams import OpenStreams
from .ready import Ready, healthz

__all__ = ["Site", "build_site"]

_MESSAGES = "/messages/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What an application is made of."""

    server: LociServer
    doorkeeper: Doorkeeper
    challenge: Challenge
    limiter: Limiter
    streams: OpenStreams
    hosts: Hosts
    ready: Callable[[], Awaitable[Readiness]]
    audit: Callable[[Request], Awaitable[Response]]
    """Answers with what was done in the caller's tenant."""
    metrics: Callable[[Request], Awaitable[Response]] | None = None
    seen: Seen | None = None
    watch: Callable[[], Coroutine[Any, Any, None]]
    """Runs for ever beside the application."""
    largest: int = 4 << 20
    """Bytes of a request."""
    sse: bool = True


def build_site(site: Site) -> Starlette:
    """The application. Its lifespan holds the sessions; the store's life is its owner's."""
    sessions = site.server.sessions(site.hosts.security, site.largest)
    admission = Admission(
        site.doorkeeper, site.challenge, site.limiter, site.streams, site.server.needs
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with site.server.bus.delivering(), sessions.run():
            yield

    return Starlette(
        routes=[
            Route("/mcp", admission.to(sessions.handle_request)),
            *(_sse(site, admission) if site.sse else ()),
            *_metadata(site.challenge),
            Route("/audit", admission.to(_asgi(site.audit), Right.MEMORY_ADMIN)),
            Route("/healthz", healthz),
            Route("/readyz", Ready(site.ready).__call__),
            *([] if site.metrics is None else [Route("/metrics", site.metrics)]),
        ],
        middleware=[Middleware(Entrance, hosts=site.hosts, largest=site.largest, seen=site.seen)],
        lifespan=lifespan,
    )


def _sse(site: Site, admission: Admission) -> list[BaseRoute]:
    transport = SseServerTransport(
        _MESSAGES, security_settings=site.hosts.security, max_request_body_size=site.largest
    )

    async def connect(scope: Scope, receive: Receive, send: Send) -> None:
        async with transport.connect_sse(scope, receive, send) as streams:
            # A message carries the context of the request that brought it, and so its caller.
            await site.server.run_streams(*streams)

    return [
        Route("/sse", admission.to(connect), methods=["GET"]),
        Mount(_MESSAGES, admission.to(transport.handle_post_message)),
    ]


def _metadata(challenge: Challenge) -> list[BaseRoute]:
    if challenge.resource is None:
        return []

    async def describe(_: Request) -> JSONResponse:
        headers = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
        return JSONResponse(challenge.metadata(), headers=headers)

    return [Route(path, describe) for path in (METADATA, f"{METADATA}/mcp")]


def _asgi(
    answer: Callable[[Request], Awaitable[Response]],
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (await answer(Request(scope, receive)))(scope, receive, send)

    return app
