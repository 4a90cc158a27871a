"""scratchpad_write and scratchpad_read: a session's working memory."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope, current_caller, wrote_in
from ..server.model import NewNote, NoteOutcome, Section
from ..server.model.pad_shown import pad_dict
from .kit import answer, client_name, make_tool, memories_of

__all__ = ["READ", "WRITE", "scratchpad_read", "scratchpad_write"]


class _Size(BaseModel):
    notes: int
    characters: int
    limit: int


class _Written(BaseModel):
    id: str
    pad: _Size
    masked: list[str] | None = Field(None, description="Credentials that were left out")


class _Note(BaseModel):
    id: str
    section: Section
    content: str
    at: str
    by: str | None = None
    importance: float | None = None
    outcome: NoteOutcome | None = None
    memory: str | None = Field(None, description="What it was promoted to")


class _Pad(BaseModel):
    session: str
    notes: list[_Note]
    omitted: int = Field(description="Older ones, or too long for max_tokens")
    dropped: int = Field(0, description="Let go: full, or old")
    tokens: int


async def scratchpad_write(
    ctx: Context[Desk],
    session: str,
    section: Section,
    content: str,
    importance: Annotated[float | None, Field(description="0-1")] = None,
    outcome: NoteOutcome | None = None,
) -> Annotated[CallToolResult, _Written]:
    """Note in a session's working memory. What proves worth it is promoted when the session ends."""
    new = NewNote(
        session=session,
        section=section,
        content=content,
        namespace=current_caller().namespace,
        agent=current_caller().agent or client_name(ctx),
        importance=importance,
        outcome=outcome,
    )
    memories = await memories_of(ctx)
    noted = await memories.note(new)
    wrote_in(memories, session)
    size = {"notes": noted.notes, "characters": noted.characters, "limit": noted.limit}
    told = {"masked": list(noted.masked)} if noted.masked else {}
    return answer({"id": noted.id, "pad": size, **told})


async def scratchpad_read(
    ctx: Context[Desk], session: str, section: Section | None = None, max_tokens: int = 1000
) -> Annotated[CallToolResult, _Pad]:
    """A session's newest notes, in order."""
    memories = await memories_of(ctx)
    return answer(pad_dict(await memories.pad(session, section, max_tokens=max_tokens)))


WRITE = make_tool(
    scratchpad_write, title="Write to scratchpad", scopes={Scope.MEMORY_WRITE}, again=False
)
READ = make_tool(
    scratchpad_read, title="Read scratchpad", scopes={Scope.MEMORY_READ}, reads=True, again=True
)
