"""Resources with a fixed address."""

from collections.abc import Awaitable, Callable
from functools import partial

from mcp.server.mcpserver.resources import FunctionResource, Resource
from mcp.types import Annotations

from ..server.access import Desk
from ..server.model import CardsStatus, IndexStatus, Tier, iso
from ..server.model.render import compact
from .boards import boards_page
from .pages import page

__all__ = ["static_resources"]

_MODEL = Annotations(audience=["assistant"], priority=1.0)
_BOTH = Annotations(audience=["user", "assistant"], priority=0.5)
_COLD = Annotations(audience=["user", "assistant"], priority=0.2)
_USER = Annotations(audience=["user"], priority=0.3)


def static_resources(desk: Desk) -> list[Resource]:
    """In the order in which they are listed."""
    warm, cold = partial(_tier, desk, Tier.WARM), partial(_tier, desk, Tier.COLD)
    return [
        _resource(
            "memory://tiers/hot",
            "Hot memories",
            "What belongs in the context now: pinned and most active memories.",
            "text/markdown",
            _MODEL,
            partial(_hot, desk),
        ),
        _resource(
            "memory://tiers/warm", "Warm memories", "Newest first.", "application/json", _BOTH, warm
        ),
        _resource(
            "memory://tiers/cold",
            "Archived memories",
            "Newest first.",
            "application/json",
            _COLD,
            cold,
        ),
        _resource(
            "memory://boards",
            "Blackboards",
            "Boards shared by agents, and your own.",
            "application/json",
            _BOTH,
            partial(boards_page, desk),
        ),
        _resource(
            "memory://status",
            "Status",
            "Counts, health, the embedder in use, and the state of the vector index.",
            "application/json",
            _USER,
            partial(_status, desk),
        ),
    ]


def _resource(
    uri: str,
    title: str,
    description: str,
    mime_type: str,
    annotations: Annotations,
    fn: Callable[[], Awaitable[str]],
) -> FunctionResource:
    return FunctionResource(
        uri=uri,
        name=uri.partition("//")[2],
        title=title,
        description=description,
        mime_type=mime_type,
        annotations=annotations,
        fn=fn,
    )


async def _hot(desk: Desk) -> str:
    return (await (await desk.memories()).hot()).text


async def _tier(desk: Desk, tier: Tier) -> str:
    return await page(await desk.memories(), tier)


async def _status(desk: Desk) -> str:
    status = await desk.status()
    return compact(
        {
            "tiers": dict(status.tiers),
            "kinds": dict(status.kinds),
            "embedder": status.embedder,
            "waiting": status.waiting,
            "index": _index(status.index),
            "entities": _cards(status.cards),
            "healthy": status.healthy,
            "canary": status.canary,
        }
    )


def _cards(status: CardsStatus) -> dict[str, int]:
    """How many there are; of how many the cards cost so many tokens, where their memories cost so many."""
    return {
        "count": status.entities,
        "cards": status.cards,
        "card_tokens": status.card_tokens,
        "memory_tokens": status.memory_tokens,
    }


def _index(status: IndexStatus) -> dict[str, object]:
    shown: dict[str, object] = {
        "state": status.state,
        "searched": status.searched,
        "vectors": status.vectors,
        "waiting": status.waiting,
    }
    if status.built is not None:
        shown["built"] = "{:,} of {:,}".format(*status.built)
    if status.reason:
        shown["why"] = status.reason
    if status.built_at is not None:
        shown["built_at"] = iso(status.built_at)
    return shown
