"""revise: correct a memory."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field

from ..server.access import Desk, Scope
from ..server.model import Kind, Revision, Source, Tier, until_time
from ..server.model.shown import memory_dict
from .kit import answer, make_tool, memories_of

__all__ = ["TOOL", "revise"]


class _Answer(BaseModel):
    """The memory as it is now."""

    model_config = ConfigDict(extra="allow")

    id: str
    version: int
    content: str
    kind: Kind
    tier: Tier
    when: str
    source: Source
    recorded_at: str


async def revise(
    ctx: Context[Desk],
    id: str,
    content: str | None = None,
    kind: Kind | None = None,
    tags: Annotated[list[str] | None, Field(description="Replace all")] = None,
    importance: Annotated[float | None, Field(description="0-1")] = None,
    pinned: bool | None = None,
    valid_until: Annotated[str | None, Field(description="ISO time")] = None,
    metadata: dict[str, Any] | None = None,
) -> Annotated[CallToolResult, _Answer]:
    """Correct a memory; earlier versions stay readable. What is not given stays."""
    revision = Revision(
        content=content,
        kind=kind,
        tags=None if tags is None else tuple(tags),
        importance=importance,
        pinned=pinned,
        valid_until=until_time("valid_until", valid_until),
        metadata=metadata,
    )
    memories = await memories_of(ctx)
    return answer(memory_dict(await memories.revise(id, revision)))


TOOL = make_tool(
    revise,
    title="Revise",
    scopes={Scope.MEMORY_READ, Scope.MEMORY_WRITE},
    destroys=False,
    again=True,
)
