"""A server on a data directory, for `loci eval`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import MCPError

from ..errors import LociError
from .demo_server import DemoServer, running

__all__ = ["serving"]


@asynccontextmanager
async def serving(home: Path) -> AsyncGenerator[DemoServer]:
    """Start a server, and let it end with this.

    Raises:
        LociError: it does not start. What it says is on stderr.
    """
    failed: list[BaseException] = []
    try:
        async with running(home) as server:
            yield server
    except* MCPError as group:  # the SDK's task groups wrap what ends the handshake
        failed.append(group)
    if failed:
        raise LociError("The server did not start; what it said is above.") from failed[0]
