"""remember: check, prepare (with whoever else remembers now), commit, acknowledge."""

from collections.abc import Sequence
from datetime import datetime

from ..ledger import NewMemory, Stored
from ..model import Draft, Memory, Remembered, Tier, new_memory_id
from ..tasks import uninterrupted
from .check import check_drafts, valid_until
from .prepare import Asked, prepare
from .room import Room

__all__ = ["remember"]

_SMALL = 2000
"""Characters of one call."""


async def remember(room: Room, drafts: Sequence[Draft]) -> list[Remembered]:
    """Store the drafts, all or none, and say of each what became of it.

    Raises:
        InvalidInput: a draft cannot be stored as it is.
        NotFound: it supersedes what is not there.
        StoreError: it could not be kept.
    """
    now = room.clock()
    check_drafts(drafts, room.limits, now)
    asked = Asked(room, drafts)
    # Small calls are prepared together; a large one would only keep them waiting.
    small = sum(len(draft.content) for draft in drafts) <= _SMALL
    prepared = await room.prepare(asked) if small else (await prepare([asked]))[0]
    new = [
        NewMemory(
            memory=_memory(draft, now),
            key=one.key,
            passages=one.passages,
            supersedes=draft.supersedes,
        )
        for draft, one in zip(drafts, prepared, strict=True)
    ]
    stored = await uninterrupted(_store(room, new, now))
    return [
        Remembered(
            id=one.id,
            status=one.outcome,
            entities=draft.entities,
            similar=tuple(n for n in known.near if n.id != one.id and n.id not in draft.supersedes),
        )
        for one, draft, known in zip(stored, drafts, prepared, strict=True)
    ]


async def _store(room: Room, new: Sequence[NewMemory], now: datetime) -> list[Stored]:
    stored, delta = await room.ledger.store(new, now)
    await room.committed(delta, tuple(one.id for one in stored))
    return stored


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
