"""Which agent asks: as its credentials or whoever connected it say, else as the client calls itself.

A client that brought a credential is no agent but that one's: what it calls itself would open to it what
is another agent's alone."""

from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ...tools.kit import name_of
from ..access import as_caller, current_caller

__all__ = ["named"]


async def named(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Have a request served on behalf of a caller with a name. SDK middleware."""
    caller = current_caller()
    if caller.agent is not None or not caller.is_local:
        return await call_next(ctx)
    with as_caller(replace(caller, agent=name_of(ctx.session))):
        return await call_next(ctx)
