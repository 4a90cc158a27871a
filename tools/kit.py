"""What every tool is made with: lean schemas, strict arguments, one compact answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.session import ServerSession
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ConfigDict, Field

from ..server.access import Desk, Scope, current_caller
from ..server.model.render import compact

if TYPE_CHECKING:
    from ..server.engine import Memories
    from ..server.workspace import Boards

__all__ = [
    "LociTool",
    "answer",
    "boards_of",
    "client_name",
    "make_tool",
    "memories_of",
    "name_of",
]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_NAME = 200


class LociTool(Tool):
    """A tool, and what a caller must be allowed to do to call it. Made by `make_tool`."""

    scopes: frozenset[Scope] = Field(exclude=True)
    also: dict[tuple[str, str], frozenset[Scope]] = Field(exclude=True)
    """What it needs beside where an argument has a certain value."""

    def needs(self, arguments: Mapping[str, object]) -> frozenset[Scope]:
        """What a caller must be allowed to do to call it with arguments as they were sent."""
        more = (self.also[one] for one in self.also if arguments.get(one[0]) == one[1])
        return self.scopes.union(*more)


def make_tool(
    fn: Callable[..., Any],
    *,
    title: str,
    scopes: AbstractSet[Scope],
    also: Mapping[tuple[str, str], AbstractSet[Scope]] | None = None,
    reads: bool = False,
    destroys: bool = False,
    again: bool,
) -> LociTool:
    """A tool of a function: its docstring is the description, its signature the arguments.

    `scopes` are what its callers need, asked for in one place (`transports.gate`), `also` what they
    need beside for a value of an argument; `reads` that it changes nothing, `destroys` that it may take
    away, `again` that a second call with the same arguments changes nothing more.
    """
    tool = Tool.from_function(
        fn,
        title=title,
        description=" ".join((fn.__doc__ or "").split()),
        annotations=ToolAnnotations(
            read_only_hint=reads,
            destructive_hint=destroys,
            idempotent_hint=again,
            open_world_hint=False,
        ),
    )
    made = tool.fn_metadata
    tool.parameters = _lean_input(made.arg_model)
    tool.fn_metadata = _Strict(
        arg_model=_strict(made.arg_model),
        output_schema=cast("dict[str, Any] | None", _untitled(cast(Json, made.output_schema))),
        output_model=made.output_model,
        wrap_output=made.wrap_output,
        nested=frozenset(_nested(tool.parameters)),
    )
    fields = {name: getattr(tool, name) for name in Tool.model_fields}
    more = {one: frozenset(scopes) for one, scopes in (also or {}).items()}
    return LociTool(**fields, scopes=frozenset(scopes), also=more)


def answer(value: dict[str, Any], *, error: bool = False) -> CallToolResult:
    """The whole answer twice, as some hosts show the model only one of the two. `error` that it is a
    refusal which is more than a sentence."""
    text = TextContent(type="text", text=compact(value))
    return CallToolResult(content=[text], structured_content=value, is_error=error)


async def memories_of(ctx: Context[Desk]) -> Memories:
    """The caller's memories."""
    return await ctx.request_context.lifespan_context.memories()


async def boards_of(ctx: Context[Desk]) -> Boards:
    """The boards of the caller's tenant, as its agent sees them."""
    return (await memories_of(ctx)).boards(current_caller().actor())


def client_name(ctx: Context[Desk]) -> str | None:
    """How the client calls itself, where it says so."""
    return name_of(ctx.request_context.session)


def name_of(session: ServerSession) -> str | None:
    """How the client of a session calls itself, where it says so."""
    client = session.client_params
    if client is None:
        return None
    name = "".join(letter for letter in client.client_info.name if letter.isprintable())
    return name.strip()[:_NAME] or None


class _Strict(FuncMetadata):
    """Arguments as they were sent: only where no text can be meant is JSON in a text unpacked."""

    nested: frozenset[str]
    """Arguments that are a list or an object."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Some hosts send lists and objects as text. Content that is JSON stays the text it is."""
        return {
            name: _unpacked(value) if name in self.nested and isinstance(value, str) else value
            for name, value in data.items()
        }


def _unpacked(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _strict(arguments: type[ArgModelBase]) -> type[ArgModelBase]:
    class Strict(arguments):
        model_config = ConfigDict(extra="forbid")

    return Strict


def _nested(parameters: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, schema in parameters["properties"].items()
        if schema.get("type") in ("array", "object")
    ]


def _lean_input(arguments: type[ArgModelBase]) -> dict[str, Any]:
    schema = cast("dict[str, Json]", arguments.model_json_schema())
    defs = cast("dict[str, Json]", schema.pop("$defs", {}))
    properties = cast("dict[str, dict[str, Json]]", schema["properties"])
    return {
        "type": "object",
        "properties": {name: _lean(one, defs) for name, one in properties.items()},
        **({"required": schema["required"]} if "required" in schema else {}),
        "additionalProperties": False,
    }


def _lean(schema: dict[str, Json], defs: dict[str, Json]) -> dict[str, Json]:
    """One argument's schema without what a model need not read: titles, null, empty defaults."""
    branches = cast("list[dict[str, Json]]", schema.pop("anyOf", []))
    kept = [one for one in branches if one != {"type": "null"}]
    if len(kept) == 1:
        schema = {**kept[0], **schema}
    elif kept:
        schema["anyOf"] = [_lean(one, defs) for one in kept]
    reference = schema.pop("$ref", None)
    if isinstance(reference, str):
        found = cast("dict[str, Json]", defs[reference.rpartition("/")[2]])
        schema = {"enum": found["enum"], **schema}
    if not schema.get("default"):
        schema.pop("default", None)
    if "enum" in schema:
        schema.pop("type", None)
    for noise in ("title", "additionalProperties"):
        schema.pop(noise, None)
    return schema


def _untitled(schema: Json, *, names: bool = False) -> Json:
    """Without pydantic's titles. `names` that the keys are names of fields, not of JSON Schema."""
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value, names=key in ("properties", "$defs"))
        for key, value in schema.items()
        if names or key != "title"
    }
