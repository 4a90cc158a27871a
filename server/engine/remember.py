"""remember: check, embed, look for what it repeats, commit, acknowledge."""

from collections.abc import Sequence
from datetime import datetime

from ..ledger import NewMemory, NewPassage, Stored
from ..model import Draft, Memory, Near, Remembered, Tier, content_key, new_memory_id
from ..tasks import uninterrupted
from .check import check_drafts, valid_until
from .passages import make_passages
from .room import Room

__all__ = ["remember"]

_NEAR = 3
_EXCERPT = 200


async def remember(room: Room, drafts: Sequence[Draft]) -> list[Remembered]:
    """Store the drafts, all or none, and say of each what became of it.

    Raises:
        InvalidInput: a draft cannot be stored as it is.
        NotFound: it supersedes what is not there.
        StoreError: it could not be kept.
    """
    now = room.clock()
    check_drafts(drafts, room.limits, now)
    keys = [
        content_key(d.content, namespace=d.namespace, speaker=d.speaker, at=d.at) for d in drafts
    ]
    known = await room.ledger.live_keys(keys, now)
    contents = [d.content for d, key in zip(drafts, keys, strict=True) if key not in known]
    fresh = iter(await make_passages(room.ledger, room.embedder, contents) if contents else ())
    passages = [() if key in known else next(fresh) for key in keys]
    near = [await _near(room, found) for found in passages]
    new = [
        NewMemory(memory=_memory(draft, now), key=key, passages=found, supersedes=draft.supersedes)
        for draft, key, found in zip(drafts, keys, passages, strict=True)
    ]
    return await _commit(room, drafts, new, near, now)


async def _commit(
    room: Room,
    drafts: Sequence[Draft],
    new: Sequence[NewMemory],
    near: Sequence[Sequence[Near]],
    now: datetime,
) -> list[Remembered]:
    stored = await uninterrupted(_store(room, new, now))
    return [
        Remembered(
            id=one.id,
            status=one.outcome,
            entities=draft.entities,
            similar=tuple(n for n in found if n.id != one.id and n.id not in draft.supersedes),
        )
        for one, draft, found in zip(stored, drafts, near, strict=True)
    ]


async def _store(room: Room, new: Sequence[NewMemory], now: datetime) -> list[Stored]:
    stored, delta = await room.ledger.store(new, now)
    await room.committed(delta, tuple(one.id for one in stored))
    return stored


async def _near(room: Room, passages: Sequence[NewPassage]) -> list[Near]:
    """What a new memory may repeat or contradict. Only a text of one passage is compared: parts of
    long ones resemble parts of others without saying the same."""
    if len(passages) != 1:
        return []
    found = await room.dense.nearest(passages[0].vector, _NEAR)
    close = {seq: cosine for seq, cosine in found.items() if cosine >= room.limits.similar_from}
    if not close:
        return []
    rows = await room.ledger.by_seq(list(close), room.sight())
    return [
        Near(id=rows[seq].memory.id, content=_excerpt(rows[seq].memory), relevance=min(1.0, cosine))
        for seq, cosine in close.items()
        if seq in rows
    ]


def _excerpt(memory: Memory) -> str:
    cut = memory.content[:_EXCERPT]
    return cut if len(cut) == len(memory.content) else cut + "…"


def _memory(draft: Draft, now: datetime) -> Memory:
    return Memory(
        id=new_memory_id(),
        version=1,
        content=draft.content,
        kind=draft.kind,
        tier=Tier.WARM,
        namespace=draft.namespace,
        tags=draft.tags,
        entities=draft.entities,
        importance=draft.importance,
        pinned=draft.pinned,
        source=draft.source,
        speaker=draft.speaker,
        agent=draft.agent,
        session=draft.session,
        metadata=draft.metadata,
        valid_from=draft.at or now,
        valid_until=valid_until(draft, now),
        remembered_at=now,
        recorded_at=now,
        replaced_at=None,
        superseded_by=None,
        deleted_at=None,
        restorable_until=None,
        uses=1,
        used_at=now,
    )
