"""What is known of a new memory before it is stored: whether it repeats, its passages, its neighbours.

Done for many at once, of any tenants: each step is one query, one thread or one matrix product.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..ledger import NewPassage
from ..model import Draft, Near, content_key
from .passages import make_passages
from .room import Room

__all__ = ["Asked", "Preparation", "prepare"]

_NEAR = 3
_EXCERPT = 200


class Asked(NamedTuple):
    """One call's drafts."""

    room: Room
    drafts: Sequence[Draft]


class Preparation(NamedTuple):
    """What is to be stored for one draft, and what to say of it."""

    key: bytes
    passages: Sequence[NewPassage]
    near: Sequence[Near]


async def prepare(calls: Sequence[Asked]) -> list[list[Preparation]]:
    """For each call and each of its drafts.

    Raises:
        InvalidInput: a draft has more passages than a memory can.
        ModelError, StoreError: the model or the data directory fails.
    """
    prepared: dict[int, list[Preparation]] = {}
    for room in dict.fromkeys(call.room for call in calls):
        mine = [place for place, call in enumerate(calls) if call.room is room]
        drafts = [draft for place in mine for draft in calls[place].drafts]
        made = iter(await _prepare(room, drafts))
        for place in mine:
            prepared[place] = [next(made) for _ in calls[place].drafts]
    return [prepared[place] for place in range(len(calls))]


async def _prepare(room: Room, drafts: Sequence[Draft]) -> list[Preparation]:
    keys = [
        content_key(d.content, namespace=d.namespace, speaker=d.speaker, at=d.at) for d in drafts
    ]
    # An exact repeat is found in the transaction that would store it; its vectors are known here.
    passages = await make_passages(room.ledger, room.embedder, [d.content for d in drafts])
    near = await _near(room, passages)
    return [Preparation(*one) for one in zip(keys, passages, near, strict=True)]


async def _near(room: Room, passages: Sequence[Sequence[NewPassage]]) -> list[list[Near]]:
    """What each may repeat or contradict. Only a text of one passage is compared: parts of long ones
    resemble parts of others without saying the same."""
    places = [place for place, found in enumerate(passages) if len(found) == 1]
    near: list[list[Near]] = [[] for _ in passages]
    if not places:
        return near
    vectors = np.stack([passages[place][0].vector for place in places])
    found = await room.dense.nearest(vectors, _NEAR)
    least = room.limits.similar_from
    close = [{s: cosine for s, cosine in one.items() if cosine >= least} for one in found]
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
