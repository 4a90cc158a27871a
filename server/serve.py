"""`loci serve`: the network door, beside the daemon's socket, over one application.

A composition root beside `app` and `daemon`: settings in, a running server out. The process owns the
data directory; the clients of this machine and the administrator's commands reach it by the socket.
"""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import uvicorn
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .access import Caller, current_caller
from .access.credentials import Credentials
from .access.doorkeeper import Doorkeeper
from .access.jwts import Claims, JwtVerifier
from .access.keys import FixedKey, Keys, PublishedKeys, fetch_keys
from .access.limits import Allowance, Limiter
from .app import App, open_app
from .daemon import Daemon, listen
from .errors import InvalidInput, SettingsError
from .home import SERVE
from .model.render import compact
from .model.shown import audit_dict
from .setting_rules import words
from .settings import Settings
from .tasks import task_group
from .telemetry.metrics import CONTENT_TYPE, Metrics
from .transports import Listener, build_server
from .transports.turnstile import Turnstile
from .transports.web import Challenge, Hosts, OpenStreams, Site, build_site

__all__ = ["make_site", "run_server"]

_GRACE = 10
"""Seconds to answer what was asked before the end."""


async def run_server(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Serve until the process is told to end. `say` is told what a person should know.

    Raises:
        StoreBusy: another process owns the data directory.
        StoreError, ModelError: it cannot be opened.
        SettingsError: it cannot be served so, or not without a credential.
    """
    with _bound(settings) as door:
        async with open_app(settings, command=SERVE) as app:
            site, needed = await make_site(app, settings)
            if not needed:
                _check_loopback(settings, door)
            for line in _told(settings, door, needed=needed):
                say(line)
            await _serve(app, settings, site, door)


async def make_site(app: App, settings: Settings) -> tuple[Site, bool]:
    """What the network door is made of, and whether a credential is needed there.

    Raises:
        StoreError, ModelError: the store cannot be opened.
        SettingsError: the settings do not go together.
    """
    _check(settings)
    jwts = await to_thread.run_sync(_verifier, settings)
    had_tokens = await (await app.registry()).had_tokens()
    needed = settings.auth == "required" or jwts is not None or had_tokens
    return _site(app, settings, jwts, needed=needed), needed


async def _serve(app: App, settings: Settings, site: Site, door: socket.socket) -> None:
    server = _Server(
        uvicorn.Config(
            build_site(site),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=_GRACE,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
    )
    # Closed here as well: where the site cannot begin, its listener never runs.
    with listen(settings) as listening:
        daemon = Daemon(app, settings, Listener(listening), stays=True)

        async def leave_on_signal() -> None:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
                async for _ in received:
                    server.should_exit = True
                    site.streams.leave()
                    daemon.leave()

        async with task_group() as behind:
            behind.start_soon(leave_on_signal)
            behind.start_soon(site.watch)
            async with task_group() as doors:
                doors.start_soon(daemon.listener.run, daemon)
                await server.serve(sockets=[door])
                daemon.leave()
            behind.cancel_scope.cancel()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are this module's: uvicorn would raise them again at its end, which would kill the
        process before the store is closed."""
        yield


def _site(app: App, settings: Settings, jwts: JwtVerifier | None, *, needed: bool) -> Site:
    limiter = Limiter(
        Allowance(
            rate=settings.rate,
            burst=settings.burst,
            concurrency=settings.concurrency,
            streams=settings.streams,
        )
    )
    streams = OpenStreams()
    app.administration.on_revoked = streams.revoked
    app.administration.on_erased = streams.erased

    async def credentials() -> Credentials:
        return Credentials(await app.registry(), jwts)

    async def audit(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 18:
            return PlainTextResponse(str(InvalidInput("after: give an entry's number.")), 400)
        entries = await app.administration.audit(current_caller().tenant, int(after))
        lines = (compact(audit_dict(entry)) + "\n" for entry in entries)
        return PlainTextResponse("".join(lines), media_type="application/jsonl")

    metrics = Metrics(
        app.pulse,
        limiter.under_way,
        names_tenants=settings.metrics == "tenants",
        whose=lambda: current_caller().tenant,
    )

    async def tell(_: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    local = Caller(tenant=settings.tenant, namespace=settings.namespace, agent=settings.agent)
    return Site(
        server=build_server(
            app, profile=settings.tools, around=[Turnstile(limiter, metrics.called)]
        ),
        doorkeeper=Doorkeeper(credentials, app.registry, None if needed else local),
        challenge=Challenge(resource=_resource(settings), issuer=settings.jwt_issuer),
        limiter=limiter,
        streams=streams,
        hosts=_hosts(settings),
        ready=app.readiness,
        audit=audit,
        metrics=None if settings.metrics == "off" else tell,
        seen=metrics.seen,
        watch=metrics.watch,
        largest=settings.max_body_kb * 1024,
        sse=settings.sse,
    )


def _hosts(settings: Settings) -> Hosts:
    names = words(settings.allowed_hosts)
    origins = words(settings.allowed_origins)
    if settings.public_url is not None:
        address = urlsplit(settings.public_url)
        host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
        names += [f"{host}", f"{host}:*"]
        origins.append(settings.public_url)
    return Hosts(names=names, origins=origins)


def _resource(settings: Settings) -> str | None:
    return None if settings.public_url is None else f"{settings.public_url}/mcp"


def _check(settings: Settings) -> None:
    """Raises SettingsError for settings that only together make sense."""
    if settings.tls_key is not None and settings.tls_cert is None:
        raise SettingsError("tls_key: there is no tls_cert. Set both, or neither.")
    given = settings.jwt_keys, settings.jwt_issuer
    if any(given) and not all(given):
        raise SettingsError("jwt_keys and jwt_issuer: set both, or neither.")
    if settings.jwt_keys and not (settings.jwt_audience or settings.public_url):
        raise SettingsError(
            "jwt_keys: whom are the tokens for? Set public_url, and jwt_audience where it differs "
            "from its /mcp."
        )


def _verifier(settings: Settings) -> JwtVerifier | None:
    """Reads files. Raises SettingsError."""
    place, issuer = settings.jwt_keys, settings.jwt_issuer
    if place is None or issuer is None:
        return None
    keys: Keys
    if "://" in place:
        keys = PublishedKeys(fetch_keys(place))
    else:
        try:
            keys = FixedKey(Path(place).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"jwt_keys: {place} cannot be read ({error}).") from error
    return JwtVerifier(
        keys,
        issuer=issuer,
        audience=settings.jwt_audience or f"{settings.public_url}/mcp",
        algorithms=words(settings.jwt_algorithms),
        claims=Claims(
            tenant=settings.jwt_tenant_claim,
            agent=settings.jwt_agent_claim,
            scope=settings.jwt_scope_claim,
        ),
    )


@contextmanager
def _bound(settings: Settings) -> Generator[socket.socket]:
    """The socket to serve at, which accepts nobody yet. Raises SettingsError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind)
    except OSError as error:
        raise SettingsError(f"host: {settings.host} cannot be found ({error.strerror}).") from error
    with door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(address)
        except OSError as error:
            raise SettingsError(
                f"{settings.host}:{settings.port} cannot be listened at ({error.strerror}). Choose "
                "another --host or --port."
            ) from error
        yield door


def _check_loopback(settings: Settings, door: socket.socket) -> None:
    """Raises SettingsError where others than this machine could come in without a credential."""
    if not ipaddress.ip_address(door.getsockname()[0]).is_loopback:
        raise SettingsError(
            f"host: without credentials Loci listens on this machine alone, and not at "
            f"{settings.host}. Make a token (loci tenant create, loci token create), or set jwt_keys."
        )
    if settings.public_url is not None or settings.allowed_hosts:
        raise SettingsError(
            "public_url, allowed_hosts: without credentials nobody else may come in. Make a token "
            "(loci tenant create, loci token create), or set jwt_keys."
        )


def _told(settings: Settings, door: socket.socket, *, needed: bool) -> list[str]:
    host, port = door.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls_cert is not None else "http"
    lines = [f"Serving {scheme}://{host}:{port}/mcp" + (" and /sse" if settings.sse else "")]
    if not needed:
        lines.append(
            f"No credentials are configured: everyone on this machine is served as the tenant "
            f"{settings.tenant}, and nobody else."
        )
    return lines
