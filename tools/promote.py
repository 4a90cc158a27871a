"""promote: from a session's working memory into memory."""

from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope
from ..server.model.pad_shown import promotion_dict
from .kit import answer, make_tool, memories_of

__all__ = ["TOOL", "promote"]

_MOST = 50
"""Notes of one answer."""


class _Decided(BaseModel):
    id: str
    status: Literal["promoted", "left"]
    reason: str
    score: float
    scores: dict[str, float]
    memory: str | None = None
    near: str | None = Field(None, description="Memory or note that says the same")


class _Answer(BaseModel):
    session: str
    dry_run: bool
    promoted: int
    notes: list[_Decided]
    omitted: int = 0


async def promote(
    ctx: Context[Desk],
    session: str,
    ids: Annotated[list[str] | None, Field(description="Just these, whatever they score")] = None,
    dry_run: bool = False,
) -> Annotated[CallToolResult, _Answer]:
    """Move the notes worth keeping from a session's scratchpad into memory."""
    memories = await memories_of(ctx)
    done = await memories.promote(session, ids or (), dry_run=dry_run)
    return answer(promotion_dict(done, _MOST))


TOOL = make_tool(
    promote, title="Promote", scopes={Scope.MEMORY_READ, Scope.MEMORY_WRITE}, again=True
)
