"""Sessions of MCP with a real engine behind them, as many as a test wants, each an agent of its own."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.client._transport import TransportStreams
from mcp.shared.memory import create_client_server_memory_streams
from mcp.types import Implementation

from loci.server.access import Caller, current_caller
from loci.server.engine import Engine, Memories
from loci.server.model import Change, Status
from loci.server.transports import LociServer, build_server, serve_streams

from .engines import Clock, opened

__all__ = ["EngineDesk", "open_server", "session", "sessions"]

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


@asynccontextmanager
async def open_server(home: Path, clock: Clock | None = None) -> AsyncGenerator[LociServer]:
    """A server over the store in a directory."""
    async with opened(home, clock=clock) as engine:
        yield build_server(EngineDesk(engine))


@asynccontextmanager
async def _streams(server: LociServer, caller: Caller) -> AsyncGenerator[TransportStreams]:
    async with (
        create_client_server_memory_streams() as (client, served),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(serve_streams, server, caller, *served)
        yield client
        await client[1].aclose()


@asynccontextmanager
async def session(
    server: LociServer, agent: str, *, mode: Mode = "auto", tenant: str = "ada", **more: Any
) -> AsyncGenerator[Client]:
    """One client, which calls itself so."""
    info = Implementation(name=agent, version="1")
    streams = _streams(server, Caller(tenant=tenant))
    async with Client(streams, mode=mode, client_info=info, **more) as client:
        yield client


@asynccontextmanager
async def sessions(server: LociServer, agents: Sequence[str]) -> AsyncGenerator[list[Client]]:
    """Some clients, every other one of the era of handshakes."""
    async with AsyncExitStack() as stack:
        modes: tuple[Mode, Mode] = ("auto", "legacy")
        yield [
            await stack.enter_async_context(session(server, agent, mode=modes[number % 2]))
            for number, agent in enumerate(agents)
        ]
