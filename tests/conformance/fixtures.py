"""What the conformance suite asks for by name and no product has, mounted on Loci's own server.

Each answers what the suite's description of its scenario says, and no more; what asks the client
something back is in `asking`. Everything else the suite sees is Loci.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Annotated, Any

from conformance.asking import ASKING, ask_before_prompt
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    AudioContent,
    ContentBlock,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SetLevelRequestParams,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from loci.server.transports import LociServer

__all__ = ["mount"]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""One pixel."""
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
"""One sample."""
IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")


def mount(server: LociServer) -> None:
    """Offer the suite's tools, resources and prompts beside the server's own."""
    for name, tool in {**_TOOLS, **ASKING}.items():
        server.add_tool(tool, name=name, description=f"Fixture: {name}", structured_output=False)
    for (uri, kind), resource in _RESOURCES.items():
        server.resource(uri, mime_type=kind)(resource)
    for name, prompt in _PROMPTS.items():
        server.add_prompt(Prompt.from_function(prompt, name, description=f"Fixture: {name}"))
    # Loci tells clients no logs; the suite requires a server of 2025-11-25 that does.
    low = server._lowlevel_server  # pyright: ignore[reportPrivateUsage] - nothing public leads there
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, _set_level)


async def _text() -> str:
    return "This is a simple text response for testing."


async def _image() -> list[ImageContent]:
    return [IMAGE]


async def _audio() -> list[AudioContent]:
    return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]


async def _resource() -> list[EmbeddedResource]:
    return [_embedded("test://embedded-resource", "text/plain", "An embedded resource.")]


async def _several() -> list[ContentBlock]:
    text = TextContent(type="text", text="Multiple content types test:")
    data = json.dumps({"test": "data", "value": 123})
    return [text, IMAGE, _embedded("test://mixed-content-resource", "application/json", data)]


async def _error() -> str:
    raise ToolError("This tool intentionally returns an error for testing")


async def _logging(ctx: Context) -> str:
    for said in ("started", "processing data", "completed"):
        # The suite asks for what 2026-07-28 deprecates.
        await ctx.info(f"Tool execution: {said}")  # pyright: ignore[reportDeprecated]
    return "Tool with logging executed successfully"


async def _progress(ctx: Context) -> str:
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
    return "Done"


async def _mirrored(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    return f"The region is {region}"


async def _tools_changed(ctx: Context) -> str:
    await ctx.notify_tools_changed()
    return "Announced"


async def _prompts_changed(ctx: Context) -> str:
    await ctx.notify_prompts_changed()
    return "Announced"


def _embedded(uri: str, kind: str, text: str) -> EmbeddedResource:
    content = TextResourceContents(uri=uri, mime_type=kind, text=text)
    return EmbeddedResource(type="resource", resource=content)


_TOOLS: dict[str, Callable[..., Any]] = {
    "test_simple_text": _text,
    "test_image_content": _image,
    "test_audio_content": _audio,
    "test_embedded_resource": _resource,
    "test_multiple_content_types": _several,
    "test_error_handling": _error,
    "test_logging_tool": _logging,
    "test_tool_with_logging": _logging,
    "test_tool_with_progress": _progress,
    "test_x_mcp_header": _mirrored,
    "test_trigger_tool_change": _tools_changed,
    "test_trigger_prompt_change": _prompts_changed,
}


async def _set_level(_: ServerRequestContext[Any, Any], __: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()


async def _static_text() -> str:
    return "This is the content of the static text resource."


async def _static_binary() -> bytes:
    return b64decode(PNG)


async def _watched() -> str:
    return "Watched resource content"


async def _by_id(id: str) -> str:
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


_RESOURCES: dict[tuple[str, str], Callable[..., Any]] = {
    ("test://static-text", "text/plain"): _static_text,
    ("test://static-binary", "image/png"): _static_binary,
    ("test://watched-resource", "text/plain"): _watched,
    ("test://template/{id}/data", "application/json"): _by_id,
}


async def _simple() -> str:
    return "This is a simple prompt for testing."


async def _with_arguments(arg1: str, arg2: str) -> str:
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


async def _with_resource(resourceUri: str) -> list[UserMessage]:
    embedded = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(embedded), UserMessage("Please process the embedded resource above.")]


async def _with_image() -> list[UserMessage]:
    return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]


_PROMPTS: dict[str, Callable[..., Any]] = {
    "test_simple_prompt": _simple,
    "test_prompt_with_arguments": _with_arguments,
    "test_prompt_with_embedded_resource": _with_resource,
    "test_prompt_with_image": _with_image,
    "test_input_required_result_prompt": ask_before_prompt,
}
