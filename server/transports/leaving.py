"""The end of a connection: what it leaves to be done."""

import logging
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ..access import Visit, current_visit, visiting
from ..errors import LociError
from .connections import connection_of

__all__ = ["leave", "visited"]

_PATIENCE = 1.0
"""Seconds: hosts kill a server soon after they closed its input."""
_BY_REQUESTS = "2026-07-28"
"""Since this revision a connection over HTTP is one request, whose end is not that of a session."""
_STATE = "loci.visit"

_log = logging.getLogger("loci.transports")


async def leave(visit: Visit) -> None:
    """Say that the sessions which a connection wrote are over. Where that cannot be said, they are
    when nobody writes them for a while."""
    with anyio.move_on_after(_PATIENCE, shield=True):
        try:
            await visit.end()
        except LociError as error:
            _log.warning("the end of a session was not noted: %s", error)


async def visited(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Have what a connection over HTTP wrote known when it ends, deleted, idle or cut off. SDK
    middleware; over stdio it is known already."""
    lasts = ctx.protocol_version < _BY_REQUESTS
    if ctx.method != "tools/call" or not lasts or current_visit() is not None:
        return await call_next(ctx)
    with visiting(_visit_of(connection_of(ctx))):
        return await call_next(ctx)


def _visit_of(connection: Connection) -> Visit:
    """One for all requests of a connection."""
    found = connection.state.get(_STATE)
    if not isinstance(found, Visit):
        found = connection.state[_STATE] = Visit()
        connection.exit_stack.push_async_callback(leave, found)
    return found
