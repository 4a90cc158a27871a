"""A real server as a child, and the tools it offers, as an MCP client sees them."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, MCPError, StdioServerParameters

from ..errors import LociError

__all__ = ["DemoServer", "running"]


class DemoServer:
    """Speaks to a running server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def protocol(self) -> str:
        """The protocol's version."""
        return self._client.protocol_version

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool's answer. Raises LociError with what the tool said was wrong."""
        try:
            result = await self._client.call_tool(tool, arguments)
        except MCPError as error:
            raise LociError(f"The server does not answer: {error}.") from error
        if result.is_error:
            raise LociError(" ".join(getattr(part, "text", "") for part in result.content))
        return result.structured_content or {}


@asynccontextmanager
async def running(home: Path) -> AsyncGenerator[DemoServer]:
    """Start `loci stdio` on a data directory, and let it end with this.

    Raises:
        LociError: it does not answer. What it says is on stderr.
    """
    package = __name__.partition(".")[0]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", f"{package}.server", "stdio", "--in-process", "--home", str(home)],
        env={name: value for name, value in os.environ.items() if name.startswith("LOCI_")},
    )
    client = Client(server, read_timeout_seconds=120)
    try:
        await client.__aenter__()
    except MCPError as error:
        raise LociError("The server did not start; what it said is above.") from error
    try:
        yield DemoServer(client)
    finally:
        await client.__aexit__(None, None, None)
