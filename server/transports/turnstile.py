"""How many calls of a tenant are worked on at once, and how long each took: around every request of
the network door."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult

from ..access import current_caller
from ..access.limits import Limiter
from ..errors import LimitExceeded

__all__ = ["LIMITED", "Called", "Turnstile"]

LIMITED = -32000
"""The JSON-RPC error of a request that was one too many."""

Called = Callable[[str, str, bool, float], None]
"""Is told of each request: what was asked, of which tier if any, whether it succeeded, seconds."""


class Turnstile:
    """Middleware of the SDK's."""

    def __init__(self, limiter: Limiter, called: Called | None = None) -> None:
        self._limiter = limiter
        self._called = called

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        # A stream of events is no work, and is counted where it is opened.
        if ctx.request_id is None or ctx.method == "subscriptions/listen":
            return await call_next(ctx)
        began, succeeded = time.perf_counter(), False
        try:
            with self._share(_arguments(ctx)):
                result = await call_next(ctx)
            succeeded = not (isinstance(result, CallToolResult) and result.is_error)
            return result
        except LimitExceeded as error:
            told = {"retry_after": error.retry_after}
            raise MCPError(LIMITED, str(error), told) from error
        finally:
            if self._called is not None:
                seconds = time.perf_counter() - began
                self._called(*_asked(ctx), succeeded, seconds)

    def _share(self, arguments: Mapping[str, object]) -> AbstractContextManager[None]:
        """What a call counts as while it is worked on."""
        tenant = current_caller().tenant
        if arguments.get("wait"):
            # Who waits for a board to change does no work meanwhile, as a stream does none.
            return self._limiter.stream(tenant)
        content = arguments.get("content")
        many = isinstance(content, list)
        return self._limiter.call(tenant, len(cast("list[object]", content)) if many else 1)


def _asked(ctx: ServerRequestContext[Any, Any]) -> tuple[str, str]:
    """The verb, and the tier that a recall is restricted to."""
    if ctx.method != "tools/call":
        return ctx.method, ""
    tier = _arguments(ctx).get("tier")
    return str((ctx.params or {}).get("name")), tier if isinstance(tier, str) else ""


def _arguments(ctx: ServerRequestContext[Any, Any]) -> dict[str, object]:
    """Of a tool, as they were sent."""
    found = (ctx.params or {}).get("arguments") if ctx.method == "tools/call" else None
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}
