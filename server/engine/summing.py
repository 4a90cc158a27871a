"""Episodes of one topic, summed up in a derived memory by sentences of theirs."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from anyio import to_thread

from ..consolidation import clusters_of, compose, pick, sentences_of
from ..ledger import NewMemory, Sum, Taken, VersionRow, seqs_of
from ..model import Kind, Memory, Source, Summed, Tier, content_key, new_memory_id
from .passages import make_passages
from .room import Room

__all__ = ["Episode", "Progress", "nobody", "summaries"]

Progress = Callable[[int, int, str], Awaitable[None]]
"""Told how much of how much is done, and what is being done."""

_LEAST = 3
"""Episodes of a summary."""
_EPISODES = 3000
"""The newest that are compared in one cycle."""
_LABELS = 32


class Episode(NamedTuple):
    """Something that happened, by its time."""

    at: datetime
    seq: int
    id: str
    namespace: str


async def nobody(done: int, whole: int, what: str) -> None:
    """Progress that nobody is told of."""


async def summaries(
    room: Room,
    episodes: Sequence[Episode],
    ended: Collection[str],
    most: int,
    progress: Progress,
) -> tuple[list[Sum], tuple[Summed, ...], int]:
    """What is to be summed up, up to so many, what is told of it, and how many are left. Sources of
    summaries that have ended are free again."""
    taken = await room.ledger.cycles.spoken_for()
    for name in ended:
        taken.difference_update(await room.ledger.cycles.sources(name))
    free = sorted(one for one in episodes if one.id not in taken)[-_EPISODES:]
    clusters = await _clusters(room, free)
    found: list[Sum] = []
    for place, cluster in enumerate(clusters[:most]):
        await progress(6, 10, f"summing up {place + 1} of {min(len(clusters), most)}")
        made = await _sum(room, cluster)
        found += [] if made is None else [made]
    return found, tuple(map(_told, found)), max(len(clusters) - most, 0)


async def _clusters(room: Room, free: Sequence[Episode]) -> list[list[Episode]]:
    rows = await room.ledger.index_rows([one.seq for one in free])
    # The first passage of each.
    seqs, places = np.unique(seqs_of(rows.ids), return_index=True)
    vectors = dict(zip(seqs.tolist(), rows.vectors[places], strict=True))
    found: list[list[Episode]] = []
    for namespace in dict.fromkeys(one.namespace for one in free):
        mine = [one for one in free if one.namespace == namespace and one.seq in vectors]
        if len(mine) >= _LEAST:
            stacked = np.stack([vectors[one.seq] for one in mine])
            clusters = await to_thread.run_sync(clusters_of, stacked, _LEAST)
            found += [[mine[place] for place in cluster] for cluster in clusters]
    return found


async def _sum(room: Room, cluster: Sequence[Episode]) -> Sum | None:
    """The summary of some episodes; None where they have no sentence that could be taken."""
    there = await room.ledger.by_seq([one.seq for one in cluster], room.sight())
    rows = [there[one.seq] for one in cluster if one.seq in there]
    sentences = sentences_of([row.memory.content for row in rows])
    if len(rows) < _LEAST or not sentences:
        return None
    vectors = await room.embedder.embed_documents([one.text for one in sentences])
    chosen = await to_thread.run_sync(pick, sentences, np.asarray(vectors, np.float32))
    times = [row.memory.valid_from for row in rows]
    memory = _memory(rows, compose(chosen, len(rows), times[0], times[-1]), room.clock())
    (passages,) = await make_passages(room.ledger, room.embedder, [memory.content])
    key = content_key(
        memory.content, namespace=memory.namespace, speaker=None, at=memory.valid_from
    )
    sources = tuple(Taken(row.seq, row.memory.id) for row in rows)
    return Sum(NewMemory(memory=memory, key=key, passages=passages), sources)


def _told(one: Sum) -> Summed:
    memory = one.new.memory
    return Summed(
        id=memory.id, content=memory.content, sources=tuple(source.id for source in one.sources)
    )


def _memory(rows: Sequence[VersionRow], content: str, now: datetime) -> Memory:
    memories = [row.memory for row in rows]
    sessions = {memory.session for memory in memories}
    return Memory(
        id=new_memory_id(),
        version=1,
        content=content,
        kind=Kind.EPISODIC,
        tier=Tier.WARM,
        namespace=memories[0].namespace,
        tags=("summary", *_shared([memory.tags for memory in memories], len(memories)))[:_LABELS],
        entities=_shared([memory.entities for memory in memories], 2),
        importance=None,
        pinned=False,
        source=Source.TOOL,
        speaker=None,
        agent="loci",
        session=sessions.pop() if len(sessions) == 1 else None,
        metadata={},
        valid_from=memories[-1].valid_from,
        valid_until=None,
        remembered_at=now,
        recorded_at=now,
        replaced_at=None,
        superseded_by=None,
        deleted_at=None,
        restorable_until=None,
        uses=1,
        used_at=now,
    )


def _shared(labels: Sequence[Sequence[str]], least: int) -> tuple[str, ...]:
    """Labels that so many have."""
    counts = Counter(label for some in labels for label in dict.fromkeys(some))
    return tuple(label for label, count in counts.items() if count >= least)[:_LABELS]
