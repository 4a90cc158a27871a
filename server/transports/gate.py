"""What a caller may ask: every message passes here, over every door, before anything answers it.

A tool names its scopes where it is made (`tools`), an address in `resources.scopes`. Whatever is named
nowhere needs every scope there is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INVALID_REQUEST

from ...resources import scopes_of
from ...tools import LociTool
from ..access import EVERYTHING, Scope, current_caller

__all__ = ["Gate", "Needs", "missing_scopes"]

_FREE = frozenset(
    {
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "server/discover",
        "skills/get",
        "skills/list",
        "tools/list",
    }
)
"""What tells nothing of anybody's: whoever is known may ask it."""
_BOARD_ARGUMENTS = ("board", "key")
_NOTHING: frozenset[Scope] = frozenset()


class Needs:
    """Which scopes a message needs."""

    def __init__(self, tools: Sequence[LociTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def of(self, method: str, params: Mapping[str, Any]) -> frozenset[Scope]:
        """For a message as it was sent: nothing of it was checked yet."""
        if method in _FREE or method.startswith("notifications/"):
            return _NOTHING
        match method:
            case "tools/call":
                tool = self._tools.get(str(params.get("name")))
                # A tool that is not there is refused as that.
                return _NOTHING if tool is None else tool.needs(_fields(params.get("arguments")))
            case "resources/read" | "resources/subscribe" | "resources/unsubscribe":
                return scopes_of(str(params.get("uri")))
            case "subscriptions/listen":
                return _listening(params.get("notifications"))
            case "completion/complete":
                return _completing(params.get("argument"))
            case _:
                return EVERYTHING


def missing_scopes(needed: frozenset[Scope]) -> list[Scope]:
    """Those that the caller lacks. Raises LookupError: nobody has said who it is."""
    return sorted(needed - current_caller().scopes)


class Gate:
    """Middleware of the SDK's: refuses what the caller lacks a scope for."""

    def __init__(self, tools: Sequence[LociTool]) -> None:
        self.needs = Needs(tools)

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        missing = missing_scopes(self.needs.of(ctx.method, ctx.params or {}))
        if missing:
            named = " and ".join(missing)
            raise MCPError(
                INVALID_REQUEST,
                f"Not allowed: this needs the scope {named}. Use a credential that has it.",
                {"scope": " ".join(missing)},
            )
        return await call_next(ctx)


def _listening(asked: object) -> frozenset[Scope]:
    uris = _fields(asked).get("resourceSubscriptions")
    if not isinstance(uris, list):
        return _NOTHING
    return _NOTHING.union(*(scopes_of(str(uri)) for uri in cast("list[object]", uris)))


def _completing(argument: object) -> frozenset[Scope]:
    is_board = _fields(argument).get("name") in _BOARD_ARGUMENTS
    return frozenset({Scope.BOARD_READ if is_board else Scope.MEMORY_READ})


def _fields(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
