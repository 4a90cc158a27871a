"""The network door in the test's own loop: the real application over a real store, asked over ASGI."""

import itertools
import json
import socket
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from loci.server.access import Caller, as_caller
from loci.server.access.doorkeeper import Doorkeeper
from loci.server.access.guests import Guest
from loci.server.access.limits import Allowance, Limiter
from loci.server.app import App, open_app
from loci.server.model import Issued
from loci.server.serve import make_site
from loci.server.settings import Settings
from loci.server.transports import LociServer
from loci.server.transports.web import Challenge, Hosts, OpenStreams, Site, build_site

from .wires import ENVELOPE

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "Bearer",
    "Web",
    "ask",
    "call",
    "jwt_settings",
    "mint",
    "open_web",
    "over_http",
    "over_network",
    "private_key",
    "serving",
]

URL = "http://127.0.0.1"
ISSUER = "https://login.example.com"
AUDIENCE = "https://memory.example.com/mcp"
_ACCEPT = "application/json, text/event-stream"
_NUMBERS = itertools.count(1)


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A key pair: `ours`, or by another name another."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str = "ours") -> bytes:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def jwt_settings(folder: Path) -> dict[str, Any]:
    """Settings with which tokens of `mint` are valid."""
    (folder / "key.pem").write_bytes(public_pem())
    return {
        "jwt_keys": str(folder / "key.pem"),
        "jwt_issuer": ISSUER,
        "public_url": AUDIENCE.removesuffix("/mcp"),
    }


def mint(
    tenant: str | None = "ada",
    scope: str = "memory:read memory:write memory:admin board:read board:write",
    *,
    key: Any = None,
    algorithm: str = "RS256",
    lasts: float = 300,
    **claims: Any,
) -> str:
    """A JWT as the authorization server would issue it."""
    content = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user",
        "client_id": "agent",
        "exp": int(time.time() + lasts),
        "scope": scope,
        "tenant": tenant,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, private_key("ours") if key is None else key, algorithm=algorithm)


@dataclass
class Web:
    """The door, and a client that speaks HTTP."""

    app: App
    site: Site
    asgi: Starlette
    client: httpx2.AsyncClient

    async def token(self, tenant: str = "ada", *scopes: str, **more: Any) -> Issued:
        """One of Loci's own tokens; without scopes for everything."""
        everything = ["memory:read", "memory:write", "memory:admin", "board:read", "board:write"]
        with as_caller(Caller(tenant="local")):
            await self.app.administration.create_tenant(tenant)
            given = list(scopes) or everything
            return await self.app.administration.create_token(
                tenant, given, more.get("agent"), more.get("days", 1)
            )

    async def ask(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """A request of 2026-07-28."""
        return await ask(self.client, method, params, token=token, headers=headers)

    async def call(self, tool: str, *, token: str | None = None, **arguments: Any) -> Any:
        """What a tool answers."""
        return await call(self.client, tool, token=token, **arguments)


async def ask(
    client: httpx2.AsyncClient,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """A request of 2026-07-28."""
    given = dict(params or {})
    body = {
        "jsonrpc": "2.0",
        "id": next(_NUMBERS),
        "method": method,
        "params": {**given, "_meta": ENVELOPE},
    }
    name = given.get("name") or given.get("uri")
    sent = {
        "Accept": _ACCEPT,
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        **({"Mcp-Name": name} if name else {}),
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **(headers or {}),
    }
    return await client.post("/mcp", json=body, headers=sent)


async def call(
    client: httpx2.AsyncClient, tool: str, *, token: str | None = None, **arguments: Any
) -> Any:
    """What a tool answers."""
    answer = await ask(client, "tools/call", {"name": tool, "arguments": arguments}, token=token)
    assert answer.status_code == 200, answer.text
    result = result_of(answer)
    assert not result.get("isError"), result
    return result["structuredContent"]


def result_of(answer: httpx2.Response) -> dict[str, Any]:
    """The result in an answer, whether it came as JSON or as a stream."""
    text = answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        (text,) = [line[6:] for line in text.splitlines() if line.startswith("data: {")][-1:]
    return cast("dict[str, Any]", json.loads(text)["result"])


def settings_for(home: Path, **more: Any) -> Settings:
    """Without a vector index and a model: what is tested here needs neither."""
    return Settings(home=home, embedder="hash", index="none", **more)


@asynccontextmanager
async def open_web(home: Path, **more: Any) -> AsyncGenerator[Web]:
    """The door of a data directory, under these settings."""
    settings = settings_for(home, **more)
    async with open_app(settings, warm=False) as app:
        site, _ = await make_site(app, settings)
        asgi = build_site(site)
        transport = httpx2.ASGITransport(asgi, client=("127.0.0.1", 4711))
        async with (
            asgi.router.lifespan_context(asgi),
            httpx2.AsyncClient(transport=transport, base_url=URL) as client,
        ):
            yield Web(app, site, asgi, client)


@asynccontextmanager
async def over_http(url: str, way: str, auth: httpx2.Auth | None = None) -> AsyncGenerator[Any]:
    """A client's streams to a server, over `mcp` or over `sse`."""
    if way == "sse":
        async with sse_client(f"{url}/sse", auth=auth, timeout=60) as streams:
            yield streams
        return
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as client,
        streamable_http_client(f"{url}/mcp", http_client=client) as streams,
    ):
        yield streams


class Bearer(httpx2.Auth):
    """A credential that can be changed while a connection lasts."""

    def __init__(self, token: str) -> None:
        self.token = token

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request


@asynccontextmanager
async def over_network(server: LociServer, caller: Caller, way: str) -> AsyncGenerator[Any]:
    """A transport to a server that takes everybody for one caller, over a real socket."""

    async def nobody() -> Any:
        raise NotImplementedError

    async def no_answer(_: Request) -> Response:
        raise NotImplementedError

    class Everybody(Doorkeeper):
        async def guest(self, bearer: str | None, *, near: bool) -> Guest:
            return Guest(caller=caller)

    site = Site(
        server=server,
        doorkeeper=Everybody(nobody, nobody, None),
        challenge=Challenge(),
        # A client asks for the tools beside each of its first calls: a hundred calls are two hundred.
        limiter=Limiter(Allowance(rate=1000, burst=1000)),
        streams=OpenStreams(),
        hosts=Hosts(),
        ready=nobody,
        audit=no_answer,
        watch=nobody,
        largest=32 << 20,
    )
    asgi = build_site(site)
    async with asgi.router.lifespan_context(asgi), _listening(asgi, site.streams) as url:
        yield over_http(url, way)


class _Server(uvicorn.Server):
    """Signals are the test runner's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = anyio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serving(web: Web) -> AsyncGenerator[str]:
    """The application behind a real server on this machine; its address."""
    async with _listening(web.asgi, web.site.streams) as url:
        yield url


@asynccontextmanager
async def _listening(asgi: Starlette, streams: OpenStreams) -> AsyncGenerator[str]:
    config = uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [door])
            await server.up.wait()
            try:
                yield f"http://127.0.0.1:{door.getsockname()[1]}"
            finally:
                streams.leave()
                server.should_exit = True
