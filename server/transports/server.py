"""The adapter to the SDK: the only module that reaches below its public face.

Here errors become what the protocol knows, in one place for tools, resources and prompts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerMiddleware, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp.server.runner import serve_dual_era_loop
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    EmptyResult,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from pydantic import ValidationError
from pydantic.networks import AnyUrl

# By its full name: type checkers see the folders, whose common parent is only `loci` installed.
from loci import __version__

from ...prompts import instructions, prompts
from ...resources import Skills, static_resources, templates
from ...tools import Profile, tools
from ..access import Desk
from ..errors import InvalidInput, LociError, NotFound
from ..model import iso
from .announce import Bus
from .completing import Completing
from .connections import connection_of
from .gate import Gate
from .hidden import hidden
from .leaving import visited
from .naming import named
from .refusals import refusal

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

__all__ = ["LociServer", "build_server"]

_SHOWN = 100
_IDLE = 900.0
"""Seconds after which a session of 2025-11-25 over HTTP ends that nobody uses."""
_FIXED = CacheHint(ttl_ms=3_600_000, scope="public")
_PRIVATE = CacheHint(ttl_ms=0, scope="private")
_HINTS: dict[CacheableMethod, CacheHint] = {
    "server/discover": _FIXED,
    "tools/list": _FIXED,
    "prompts/list": _FIXED,
    "resources/templates/list": _FIXED,
    "resources/list": _PRIVATE,
    "resources/read": _PRIVATE,
}


def build_server(
    desk: Desk,
    *,
    profile: Profile = "full",
    on_first_answer: Callable[[], None] | None = None,
    around: Sequence[ServerMiddleware[Any]] = (),
) -> LociServer:
    """The MCP server over a desk. `on_first_answer` is called once, when the first answer is out;
    `around` stands around each message, before it is asked whether it is allowed.

    Nothing here waits for the desk: the handshake is answered before its store is open.
    """
    # The SDK imports rich for a log handler that is not used, as logs are set up by then: 40 ms.
    with hidden("rich.console"):
        return LociServer(desk, profile, on_first_answer, around)


class LociServer(MCPServer[Desk]):
    """Loci over MCP, in both eras. Made by `build_server`."""

    def __init__(
        self,
        desk: Desk,
        profile: Profile,
        on_first_answer: Callable[[], None] | None,
        around: Sequence[ServerMiddleware[Any]],
    ) -> None:
        @asynccontextmanager
        async def lifespan(_: MCPServer[Desk]) -> AsyncGenerator[Desk]:
            # The desk's own life is the application's: it is entered there, and once.
            yield desk

        self.bus = Bus()
        self.desk = desk
        self._on_first_answer = on_first_answer
        offered = tools(profile)
        gate = Gate(offered)
        self.needs = gate.needs
        super().__init__(
            "loci",
            title="Loci",
            version=__version__,
            instructions=instructions(),
            tools=[*offered],
            resources=static_resources(desk),
            extensions=[Skills()],
            lifespan=lifespan,
            log_level="WARNING",
            cache_hints=_HINTS,
            subscriptions=self.bus,
            middleware=[*around, gate, named, visited],
        )
        for template in templates():
            self.resource(
                template.uri,
                name=template.name,
                title=template.title,
                description=template.description,
                mime_type=template.mime_type,
                annotations=template.annotations,
            )(template.fn)
        for prompt in prompts():
            self.add_prompt(prompt)
        self.completion()(Completing(desk).complete)
        low = self._lowlevel_server
        low.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        low.add_request_handler(
            "resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe
        )
        desk.on_change(self.bus.changed)

    async def run_streams(
        self, read: ReadStream[SessionMessage | Exception], write: WriteStream[SessionMessage]
    ) -> None:
        """The SDK's loop, over streams that it closes, without entering the lifespan anew."""
        await serve_dual_era_loop(self._lowlevel_server, read, write, lifespan_state=self.desk)

    def sessions(
        self, security: TransportSecuritySettings, largest: int
    ) -> StreamableHTTPSessionManager:
        """Streamable HTTP in both eras, for bodies of up to `largest` bytes."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        return StreamableHTTPSessionManager(
            self._lowlevel_server,
            security_settings=security,
            max_request_body_size=largest,
            session_idle_timeout=_IDLE,
        )

    async def _subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        self.bus.subscriber_of(connection_of(ctx)).watch(ctx.session, params.uri)
        return EmptyResult()

    async def _unsubscribe(
        self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        self.bus.subscriber_of(connection_of(ctx)).leave(params.uri)
        return EmptyResult()

    def answered(self) -> None:
        """An answer is out."""
        call, self._on_first_answer = self._on_first_answer, None
        if call is not None:
            call()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Desk, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Raises ToolError for what the model can mend, MCPError for a tool that is not there."""
        tool = self._tool_manager.get_tool(name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name[:_SHOWN]}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, LociError):
                raise ToolError(str(cause)) from cause
            if isinstance(error, UnexpectedToolError):
                raise
            if isinstance(cause, ValidationError):
                raise ToolError(refusal(cause, tool.parameters)) from cause
            raise ToolError(str(cause)) from cause

    async def list_resources(self) -> list[Resource]:
        """The resources, with the time of the last change that this server saw."""
        listed = await super().list_resources()
        at = self.bus.changed_at()
        if at is not None:
            for one in listed:
                if one.annotations is not None and one.uri.startswith("memory:"):
                    one.annotations = one.annotations.model_copy(update={"last_modified": iso(at)})
        return listed

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Desk, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Raises ResourceNotFoundError, ResourceError, or MCPError for wrong arguments."""
        try:
            return await super().read_resource(uri, context)
        except UnexpectedResourceError as error:
            if isinstance(error.__cause__, LociError):
                _refuse(error.__cause__, str(uri))
            raise

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Desk, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Raises MCPError for a prompt or an argument that is not there."""
        prompt = self._prompt_manager.get_prompt(name)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {name[:_SHOWN]}")
        wanted = {one.name for one in prompt.arguments or ()}
        if set(arguments or {}) != wanted:
            raise MCPError(INVALID_PARAMS, f"{name}: give {', '.join(sorted(wanted))}.")
        return await super().get_prompt(name, arguments, context)


def _refuse(error: LociError, uri: str) -> NoReturn:
    match error:
        case NotFound():
            raise ResourceNotFoundError(str(error)) from error
        case InvalidInput():
            raise MCPError(INVALID_PARAMS, str(error), {"uri": uri}) from error
        case _:
            raise ResourceError(str(error)) from error
