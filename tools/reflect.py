"""reflect: consolidate what is remembered, or take that back."""

from dataclasses import asdict
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope, current_caller
from ..server.errors import InvalidInput
from ..server.model import Reflection
from .kit import answer, make_tool, memories_of

__all__ = ["TOOL", "reflect"]

_SHOWN = 20
_IDS = 100
_EXCERPT = 300


class _Retired(BaseModel):
    id: str
    rule: str


class _Closed(BaseModel):
    id: str
    source: str


class _Merged(BaseModel):
    into: str
    ids: list[str]
    content: str


class _Summed(BaseModel):
    id: str
    content: str
    sources: list[str]


class _Answer(BaseModel):
    cycle: int | None = Field(None, description="Its number; none if nothing was changed")
    dry_run: bool | None = None
    looked: int | None = None
    changes: int | None = Field(None, description="In all; the lists are cut at 20")
    left: int | None = Field(None, description="For the next cycle")
    retired: list[_Retired] | None = None
    closed: list[_Closed] | None = None
    merged: list[_Merged] | None = None
    summed: list[_Summed] | None = None
    undone: list[str] | None = None
    changed: list[str] | None = Field(None, description="Changed since, so left as they are")


async def reflect(
    ctx: Context[Desk],
    namespace: Annotated[str | None, Field(description="And all below")] = None,
    dry_run: bool = False,
    undo: Annotated[bool, Field(description="Take back the last cycle")] = False,
) -> Annotated[CallToolResult, _Answer]:
    """Consolidate memory: merge repetitions, sum up episodes, apply retention rules."""
    memories = await memories_of(ctx)
    if undo:
        if namespace is not None or dry_run:
            raise InvalidInput("undo: give it alone; it takes back the whole last cycle.")
        taken = await memories.undo()
        ids, changed = list(taken.ids[:_IDS]), list(taken.changed[:_IDS])
        return answer({"cycle": taken.cycle, "undone": ids, "changed": changed})
    if namespace is None:
        namespace = current_caller().namespace

    async def progress(done: int, whole: int, what: str) -> None:
        await ctx.report_progress(done, whole, what)

    found = await memories.reflect(namespace or None, dry_run=dry_run, progress=progress)
    return answer(_shown(found))


def _shown(found: Reflection) -> dict[str, Any]:
    lists = {
        "retired": found.retired,
        "closed": found.closed,
        "merged": found.merged,
        "summed": found.summed,
    }
    return {
        "cycle": found.cycle,
        "dry_run": found.dry_run,
        "looked": found.looked,
        "changes": found.changes,
        "left": found.left,
        **{name: [_cut(asdict(one)) for one in ones[:_SHOWN]] for name, ones in lists.items()},
    }


def _cut(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value[:_EXCERPT] if name == "content" else value for name, value in one.items()}


TOOL = make_tool(
    reflect, title="Reflect", scopes={Scope.MEMORY_READ, Scope.MEMORY_WRITE}, again=True
)
