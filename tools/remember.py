"""remember: store statements worth knowing later."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope, current_caller
from ..server.model import Draft, Kind, Outcome, Remembered, Source, from_time, iso, until_time
from .kit import answer, client_name, make_tool, memories_of

__all__ = ["TOOL", "remember"]


class _Similar(BaseModel):
    id: str
    content: str
    relevance: float


class _Update(BaseModel):
    id: str
    entity: str
    attribute: str
    was: str
    now: str
    when: str


class _One(BaseModel):
    id: str
    status: Outcome
    entities: list[str]
    similar: list[_Similar] = Field(description="What it may repeat or contradict")
    updates: list[_Update] = Field(default=[], description="What it says otherwise of an entity")
    masked: list[str] | None = Field(None, description="Credentials that were left out")


class _Answer(BaseModel):
    memories: list[_One]


async def remember(
    ctx: Context[Desk],
    content: Annotated[str | list[str], Field(description="One statement, or up to 100")],
    kind: Kind = Kind.SEMANTIC,
    tags: list[str] | None = None,
    namespace: Annotated[str | None, Field(description="Path, like work/loci")] = None,
    entities: Annotated[list[str] | None, Field(description="Who and what it is about")] = None,
    importance: Annotated[float | None, Field(description="0-1")] = None,
    pinned: Annotated[bool, Field(description="Always keep in context")] = False,
    source: Annotated[Source, Field(description="Who vouches for it")] = Source.AGENT,
    speaker: Annotated[str | None, Field(description="Who said it")] = None,
    at: Annotated[str | None, Field(description="ISO time said or happened; default now")] = None,
    session: str | None = None,
    valid_until: Annotated[str | None, Field(description="ISO time")] = None,
    expires_in: Annotated[float | None, Field(description="Seconds")] = None,
    supersedes: Annotated[list[str] | None, Field(description="Ids it replaces")] = None,
    metadata: dict[str, Any] | None = None,
) -> Annotated[CallToolResult, _Answer]:
    """Store what is worth knowing later, as self-contained statements. Durable on return; repeats
    are recognised. If `similar` or `updates` shows a contradiction, pass `supersedes`."""
    drafts = [
        Draft(
            content=text,
            kind=kind,
            tags=tuple(tags or ()),
            namespace=current_caller().namespace if namespace is None else namespace,
            entities=tuple(entities or ()),
            importance=importance,
            pinned=pinned,
            source=source,
            speaker=speaker,
            agent=current_caller().agent or client_name(ctx),
            at=from_time("at", at),
            session=session,
            valid_until=until_time("valid_until", valid_until),
            expires_in=expires_in,
            supersedes=tuple(supersedes or ()),
            metadata=metadata or {},
        )
        for text in ([content] if isinstance(content, str) else content)
    ]
    memories = await memories_of(ctx)
    return answer({"memories": [_shown(one) for one in await memories.remember(drafts)]})


def _shown(one: Remembered) -> dict[str, Any]:
    # What others told is shown to nobody who may only write.
    reads = Scope.MEMORY_READ in current_caller().scopes
    similar, updates = (one.similar, one.updates) if reads else ((), ())
    shown: dict[str, Any] = {
        "id": one.id,
        "status": one.status,
        "entities": list(one.entities),
        "similar": [
            {"id": near.id, "content": near.content, "relevance": round(near.relevance, 2)}
            for near in similar
        ],
        **({"masked": list(one.masked)} if one.masked else {}),
    }
    if updates:
        shown["updates"] = [
            {
                "id": update.id,
                "entity": update.entity,
                "attribute": update.attribute,
                "was": update.was,
                "now": update.now,
                "when": iso(update.when),
            }
            for update in updates
        ]
    return shown


TOOL = make_tool(remember, title="Remember", scopes={Scope.MEMORY_WRITE}, again=True)
