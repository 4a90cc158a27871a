"""A real engine behind a small desk, and clients of both eras that reach it through five doors."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client._transport import TransportStreams
from mcp.shared.memory import create_client_server_memory_streams
from support.sites import over_network
from support.sockets import over_socket

from loci.server.access import Caller, as_caller, current_caller
from loci.server.embedding import HashEmbedder
from loci.server.engine import Engine, Memories, open_engine
from loci.server.ledger import open_ledger
from loci.server.model import Change, Status
from loci.server.tokens import TokenCounter
from loci.server.transports import LociServer, build_server, serve_streams

Mode = Literal["auto", "legacy"]


class EngineDesk:
    """A desk whose store is open already."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def memories(self) -> Memories:
        return await self.engine.for_tenant(current_caller().tenant)

    async def status(self) -> Status:
        return await self.engine.status(current_caller().tenant)

    def on_change(self, listener: Callable[[Change], Awaitable[None]]) -> None:
        self.engine.on_change(listener)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[EngineDesk]:
    async with (
        open_ledger(tmp_path / "ledger.db") as ledger,
        open_engine(ledger, HashEmbedder(), TokenCounter()) as engine,
    ):
        yield EngineDesk(engine)


@pytest.fixture
def server(desk: EngineDesk) -> LociServer:
    return build_server(desk)


@pytest.fixture(params=["auto", "legacy"], ids=["modern", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """The era that a client opens with."""
    return request.param


# A real server for each test takes its time: over the network they run with the slow ones.
NETWORK = [pytest.param(way, marks=pytest.mark.slow) for way in ("mcp", "sse")]


@pytest.fixture(params=["memory", "streams", "socket", *NETWORK])
def door(request: pytest.FixtureRequest) -> str:
    return request.param


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def over_streams(server: LociServer) -> Callable[[Caller], AbstractAsyncContextManager[Any]]:
    """A connection that `serve_streams` serves, as the client's streams."""

    @asynccontextmanager
    async def open_streams(caller: Caller) -> AsyncGenerator[TransportStreams]:
        async with (
            create_client_server_memory_streams() as (client, served),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(serve_streams, server, caller, *served)
            yield client
            await client[1].aclose()

    return open_streams


@pytest.fixture
def connect(
    server: LociServer,
    mode: Mode,
    door: str,
    over_streams: Callable[[Caller], AbstractAsyncContextManager[Any]],
    tmp_path: Path,
) -> Connect:
    """Connect a client: `async with connect(tenant="ada") as client`."""

    @asynccontextmanager
    async def open_client(
        *, tenant: str = "ada", namespace: str = "", **more: Any
    ) -> AsyncGenerator[Client]:
        caller = Caller(tenant=tenant, namespace=namespace)
        with anyio.fail_after(20):
            if door == "streams":
                async with Client(over_streams(caller), mode=mode, **more) as client:
                    yield client
            elif door in ("mcp", "sse"):
                async with (
                    over_network(server, caller, door) as streams,
                    Client(streams, mode=mode, **more) as client,
                ):
                    yield client
            elif door == "socket":
                streams = over_socket(server, caller, tmp_path)
                async with Client(streams, mode=mode, **more) as client:
                    yield client
            else:
                with as_caller(caller):
                    async with Client(server, mode=mode, **more) as client:
                        yield client

    return open_client
