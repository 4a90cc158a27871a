"""Resources whose address has variables. All of them are text: what is wrong with one is said here
or by the engine, and not by a type."""

from mcp.server.mcpserver import Context
from mcp.types import Annotations

from ..server.access import Desk
from ..server.errors import InvalidInput, NotFound
from ..server.model import Tier
from ..server.model.render import compact
from ..server.model.shown import card_dict, cards_dict, connections_dict, memory_dict
from .boards import board_template
from .pages import latest, pad, page
from .template import Template

__all__ = ["templates"]

_SHOWN = 50
"""Entities of the page."""
_TOKENS = 10_000


def templates() -> list[Template]:
    """In the order in which they are listed."""
    both = Annotations(audience=["user", "assistant"], priority=0.5)
    return [
        Template(
            uri="memory://tiers/{tier}{?cursor,limit}",
            name="tier",
            title="Memories of a tier",
            description="Newest first, in pages; tier is hot, warm or cold.",
            annotations=both,
            fn=_tier,
        ),
        Template(
            uri="memory://memories/{id}",
            name="memory",
            title="One memory",
            description="With its times, its provenance and what it mentions.",
            annotations=both,
            fn=_memory,
        ),
        Template(
            uri="memory://memories/{id}/history",
            name="history",
            title="History of a memory",
            description="All its versions, oldest first.",
            annotations=both,
            fn=_history,
        ),
        board_template(),
        Template(
            uri="memory://scratchpads/{session}",
            name="scratchpad",
            title="A session's working memory",
            description="Its notes, oldest first, with what became of each.",
            annotations=both,
            fn=_scratchpad,
        ),
        Template(
            uri="memory://entities{?query}",
            name="entities",
            title="Entities",
            description="By name, alias or description; the most named without one.",
            annotations=both,
            fn=_entities,
        ),
        Template(
            uri="memory://entities/{id}",
            name="entity",
            title="One entity",
            description="With its names, its states over time and its memories.",
            annotations=both,
            fn=_entity,
        ),
    ]


async def _tier(
    tier: str, ctx: Context[Desk], cursor: str | None = None, limit: str | None = None
) -> str:
    if tier not in [one.value for one in Tier]:
        raise NotFound("No such tier. Tiers are hot, warm and cold.")
    memories = await ctx.request_context.lifespan_context.memories()
    if limit is None:
        return await page(memories, Tier(tier), cursor=cursor)
    if not limit.isdecimal() or len(limit) > 4:
        raise InvalidInput("limit: give a whole number.")
    return await page(memories, Tier(tier), cursor=cursor, limit=int(limit))


async def _memory(id: str, ctx: Context[Desk]) -> str:
    memories = await ctx.request_context.lifespan_context.memories()
    shown = memory_dict(await memories.get(id))
    shown |= connections_dict(await memories.connections(id))
    if sources := await memories.sources(id):
        shown["derived_from"] = sources
    return compact(shown | {"links": _links(id, shown.get("superseded_by"))})


def _links(id: str, superseded_by: str | None) -> dict[str, str]:
    links = {"history": f"memory://memories/{id}/history"}
    if superseded_by is not None:
        links["superseded_by"] = f"memory://memories/{superseded_by}"
    return links


async def _history(id: str, ctx: Context[Desk]) -> str:
    memories = await ctx.request_context.lifespan_context.memories()
    return latest(await memories.history(id))


async def _scratchpad(session: str, ctx: Context[Desk]) -> str:
    memories = await ctx.request_context.lifespan_context.memories()
    found = await memories.pad(session)
    if not found.notes:
        raise NotFound(f"No notes of session {session[:40]!r}.")
    return pad(found)


async def _entities(ctx: Context[Desk], query: str = "") -> str:
    memories = await ctx.request_context.lifespan_context.memories()
    return compact(cards_dict(await memories.entities(query, limit=_SHOWN, max_tokens=_TOKENS)))


async def _entity(id: str, ctx: Context[Desk]) -> str:
    memories = await ctx.request_context.lifespan_context.memories()
    return compact(card_dict(await memories.entity(id)))
