"""remember: check, prepare (with whoever else remembers now), commit, acknowledge."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ..ledger import Decided, NewMemory, NewPassage, Stored
from ..model import Draft, Memory, Near, Remembered, Tier, content_key, new_memory_id
from ..tasks import task_group, uninterrupted
from .about import outdated, understand
from .check import check_drafts, valid_until
from .prepare import Contents, Made, compare, embed
from .reading import Reading, read
from .redaction import guarded
from .room import Room

__all__ = ["remember"]

_SMALL = 2000
"""Characters of one call."""


async def remember(
    room: Room, drafts: Sequence[Draft], decided: Decided | None = None
) -> list[Remembered]:
    """Store the drafts, all or none, and say of each what became of it. With `decided` they are notes
    of a scratchpad, which is recorded in the same transaction.

    Raises:
        Overtaken: the notes are not as they were decided on; nothing was stored.
        InvalidInput: a draft cannot be stored as it is.
        NotFound: it supersedes what is not there.
        LimitExceeded: the tenant keeps as much as it may.
        StoreError: it could not be kept.
    """
    now = room.clock()
    check_drafts(drafts, room.limits, now)
    found = [guarded(draft, room.limits.secrets) for draft in drafts]
    drafts = [draft for draft, _ in found]
    size = sum(len(draft.content.encode()) for draft in drafts)
    async with room.usage.room_for(len(drafts), size):
        answers = await _remember(room, drafts, now, decided)
    kinds = [masked for _, masked in found]
    if not any(kinds):
        return answers
    return [replace(one, masked=more) for one, more in zip(answers, kinds, strict=True)]


async def _remember(
    room: Room, drafts: Sequence[Draft], now: datetime, decided: Decided | None
) -> list[Remembered]:
    memories = [_memory(draft, now) for draft in drafts]
    passages, near, reading = await _prepare(room, memories)
    supersedes = [draft.supersedes for draft in drafts]
    known = await understand(room, memories, reading, passages, near, supersedes)
    outdates = await outdated(room, memories, known)
    new = [
        NewMemory(
            memory=memory,
            key=content_key(
                draft.content,
                namespace=draft.namespace,
                speaker=draft.speaker,
                # When a note was written makes no other event of what is known.
                at=None if decided else draft.at,
            ),
            passages=found,
            supersedes=draft.supersedes,
            outdates=olds,
            about=one.about,
        )
        for memory, draft, found, one, olds in zip(
            memories, drafts, passages, known, outdates, strict=True
        )
    ]
    stored = await uninterrupted(_store(room, new, now, decided))
    return [
        Remembered(
            id=one.id,
            status=one.outcome,
            entities=about.names,
            similar=tuple(n for n in close if n.id != one.id and n.id not in olds),
            updates=tuple(u for u in about.updates if u.id != one.id),
        )
        for one, about, close, olds in zip(stored, known, near, supersedes, strict=True)
    ]


async def _prepare(
    room: Room, memories: Sequence[Memory]
) -> tuple[list[Sequence[NewPassage]], list[list[Near]], Reading]:
    """Passages and neighbours, and side by side with them what the texts name."""
    readings: list[Reading] = []

    async def reads() -> None:
        readings.append(await read(room, memories))

    async with task_group() as tasks:
        tasks.start_soon(reads)
        passages, near = await _embed(room, [memory.content for memory in memories])
    return passages, near, readings[0]


async def _embed(
    room: Room, contents: Sequence[str]
) -> tuple[list[Sequence[NewPassage]], list[list[Near]]]:
    """Small calls are prepared with others; a large one would only keep them waiting, and so would one
    for which vectors must be read first."""
    small = sum(map(len, contents)) <= _SMALL
    asked = Contents(room, contents)
    passages = await room.embed(asked) if small else (await embed([asked]))[0]
    made = Made(room, passages)
    together = await room.dense.ready() and small
    return passages, await room.compare(made) if together else (await compare([made]))[0]


async def _store(
    room: Room, new: Sequence[NewMemory], now: datetime, decided: Decided | None
) -> list[Stored]:
    if decided is None:
        stored, delta = await room.ledger.store(new, now)
    else:
        stored, delta = await room.ledger.pads.settle(decided, new, now)
    sessions = () if decided is None else (decided.session,)
    await room.committed(delta, tuple(one.id for one in stored), sessions)
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
