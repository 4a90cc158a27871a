"""The SDK's connection behind a request: it has its state and its end."""

from typing import Any

from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext

__all__ = ["connection_of"]


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """That which brought a request."""
    return ctx.session._connection  # pyright: ignore[reportPrivateUsage] - nothing public leads there
