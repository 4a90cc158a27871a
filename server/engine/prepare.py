"""What is known of new memories before they are stored: their passages, then their neighbours.

Each is done for many calls at once, of any tenants: a step is one query, one thread or one matrix
product for all. They are two stages, so that one half of many callers is embedded while the other is
compared and stored.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from ..ledger import NewPassage
from ..model import Near
from .passages import make_passages
from .room import Room

__all__ = ["Contents", "Made", "compare", "embed"]

_NEAR = 3
_EXCERPT = 200

Passages = Sequence[NewPassage]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Contents(NamedTuple):
    """One call's texts."""

    room: Room
    items: Sequence[str]


class Made(NamedTuple):
    """One call's texts as passages."""

    room: Room
    items: Sequence[Passages]


async def embed(calls: Sequence[Contents]) -> list[list[Passages]]:
    """For each call, the passages of each of its texts.

    Raises:
        InvalidInput: a text has more passages than a memory can.
        ModelError, StoreError: the model or the data directory fails.
    """

    async def work(room: Room, items: Sequence[str]) -> Sequence[Passages]:
        return await make_passages(room.ledger, room.embedder, items)

    return await _by_room([(call.room, call.items) for call in calls], work)


async def compare(calls: Sequence[Made]) -> list[list[list[Near]]]:
    """For each call and each of its texts, what it may repeat or contradict.

    Raises:
        StoreError: the data directory fails.
    """
    return await _by_room([(call.room, call.items) for call in calls], _near)


async def _by_room(
    calls: Sequence[tuple[Room, Sequence[Item]]],
    work: Callable[[Room, Sequence[Item]], Awaitable[Sequence[Result]]],
) -> list[list[Result]]:
    """The work's results for each call, done once for all items of a room."""
    results: list[list[Result]] = [[] for _ in calls]
    for room in dict.fromkeys(room for room, _ in calls):
        mine = [place for place, (whose, _) in enumerate(calls) if whose is room]
        made = iter(await work(room, [item for place in mine for item in calls[place][1]]))
        for place in mine:
            results[place] = [next(made) for _ in calls[place][1]]
    return results


async def _near(room: Room, passages: Sequence[Passages]) -> list[list[Near]]:
    """Only a text of one passage is compared: parts of long ones resemble parts of others without
    saying the same."""
    places = [place for place, found in enumerate(passages) if len(found) == 1]
    near: list[list[Near]] = [[] for _ in passages]
    if not places:
        return near
    vectors = np.stack([passages[place][0].vector for place in places])
    close = await room.dense.nearest(vectors, _NEAR, room.limits.similar_from)
    seen = {seq for one in close for seq in one}
    rows = await room.ledger.glimpse(seen, room.sight()) if seen else {}
    for place, one in zip(places, close, strict=True):
        near[place] = [
            Near(id=rows[seq][0], content=_excerpt(rows[seq][1]), relevance=min(1.0, cosine))
            for seq, cosine in one.items()
            if seq in rows
        ]
    return near


def _excerpt(content: str) -> str:
    return content if len(content) <= _EXCERPT else content[:_EXCERPT] + "…"
