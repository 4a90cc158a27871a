"""entities and entity_merge: what memories are about, and which names mean the same."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope, current_caller
from ..server.model import EntityType
from ..server.model.shown import card_dict, cards_dict
from .kit import answer, client_name, make_tool, memories_of

__all__ = ["TOOLS", "entities", "entity_merge"]


class _State(BaseModel):
    attribute: str
    value: str
    since: str
    until: str | None = None
    memory: str


class _Entity(BaseModel):
    id: str
    name: str
    type: EntityType
    aliases: list[str] = []
    states: list[_State] = Field(default=[], description="What is said of it, what holds now first")
    memories: list[str] = []
    mentions: int


class _Answer(BaseModel):
    entities: list[_Entity]
    omitted: int
    tokens: int


async def entities(
    ctx: Context[Desk],
    query: Annotated[str, Field(description="Name, alias or description")] = "",
    type: Annotated[str | None, Field(description="As person, organisation, project, file")] = None,
    limit: int = 5,
    max_tokens: int = 1000,
) -> Annotated[CallToolResult, _Answer]:
    """Who and what is known: names, states over time, memories."""
    memories = await memories_of(ctx)
    kind = EntityType.named(type)
    return answer(
        cards_dict(await memories.entities(query, kind, limit=limit, max_tokens=max_tokens))
    )


async def entity_merge(
    ctx: Context[Desk],
    into: str,
    others: Annotated[
        list[str], Field(validation_alias="from", description="Ids; to undo, also names to split")
    ],
    undo: bool = False,
) -> Annotated[CallToolResult, _Entity]:
    """Say that entities are the same, or undo that."""
    memories = await memories_of(ctx)
    by = current_caller().agent or client_name(ctx) or "the agent"
    return answer(card_dict(await memories.merge(into, others, by, undo=undo)))


_BOTH = {Scope.MEMORY_READ, Scope.MEMORY_WRITE}

TOOLS = (
    make_tool(entities, title="Entities", scopes={Scope.MEMORY_READ}, reads=True, again=True),
    make_tool(entity_merge, title="Merge entities", scopes=_BOTH, again=True),
)
