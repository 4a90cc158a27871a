"""What new memories are about, from reading to linking."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..entities import resolve
from ..ledger import About, NewPassage, Recent, Said
from ..model import EntityType, Memory, Near, Update
from .linking import links, updates
from .reading import Reading, known_of, read
from .room import Room
from .settling import Context, Settled, Settling, Vector

__all__ = ["Understood", "look_through", "outdated", "understand"]

_OF_EACH = 8
"""Memories of an entity whose mean says what is usually said of it."""
_UNSHOWN = frozenset((EntityType.DATE, EntityType.AMOUNT, EntityType.VERSION, EntityType.ID))


class Understood(NamedTuple):
    """One memory, understood."""

    about: About
    names: tuple[str, ...]
    """Of the entities that it is about."""
    updates: tuple[Update, ...]


async def understand(
    room: Room,
    memories: Sequence[Memory],
    reading: Reading,
    passages: Sequence[Sequence[NewPassage]],
    near: Sequence[Sequence[Near]],
    supersedes: Sequence[Sequence[str]],
) -> list[Understood]:
    """What memories that were read are about, and how they stand to others. Raises StoreError."""
    settling = Settling(reading, await _contexts(room, reading))
    settled = [
        settling.settle(memory, one, found[0].vector if found else None)
        for memory, one, found in zip(memories, reading.reads, passages, strict=True)
    ]
    said = await _said(room, settled)
    return [
        _understood(room, reading, one, said, close, replaced)
        for one, close, replaced in zip(settled, near, supersedes, strict=True)
    ]


async def look_through(room: Room, memories: Sequence[Memory]) -> None:
    """Write anew what memories that are stored are about; oldest first, for the later ones know them. What
    they may contradict or repeat is only asked when they are remembered. Raises StoreError."""
    for memory in memories:
        reading = await read(room, [memory])
        (one,) = await understand(room, [memory], reading, [()], [()], [()])
        about = replace(one.about, links=())
        await room.ledger.about.put([(memory.id, about)], room.clock())


async def outdated(
    room: Room, memories: Sequence[Memory], known: Sequence[Understood]
) -> list[tuple[str, ...]]:
    """What each memory may supersede without being told: what it contradicts, if that is not newer and says
    nothing else. Nothing, unless it is allowed."""
    if room.limits.updates == "report" or not any(one.updates for one in known):
        return [() for _ in known]
    older = {
        update.id
        for memory, one in zip(memories, known, strict=True)
        for update in one.updates
        if update.when <= memory.valid_from
    }
    alone = await room.ledger.about.of_one_statement(older)
    return [tuple(u.id for u in one.updates if u.id in alone) for one in known]


def _understood(
    room: Room,
    reading: Reading,
    settled: Settled,
    said: Sequence[Said],
    near: Sequence[Near],
    supersedes: Sequence[str],
) -> Understood:
    memory = settled.memory
    found = updates(memory, settled.states, said, settled.names, near)
    tied = links(memory, supersedes, found, near, _recent(reading, settled), settled.names)
    about = replace(settled.about(room.extractor.identity, reading), links=tied)
    names = [name for name, kind in settled.names.values() if kind not in _UNSHOWN]
    others = [one for one in found if one.id not in supersedes]
    return Understood(about, memory.entities or tuple(names), tuple(others))


async def _contexts(room: Room, reading: Reading) -> Context:
    """Of those entities of which some name leaves several: rarely any."""
    known = known_of(reading.known)
    several: set[str] = set()

    def noted(ids: Sequence[str]) -> dict[str, float]:
        several.update(ids)
        return {}

    for one in reading.reads:
        for named in one.named:
            resolve(named.name, named.found.type, known, (), lambda ids: noted(list(ids)))
    return {one: vector for one in several if (vector := await _mean(room, one)) is not None}


async def _mean(room: Room, entity: str) -> Vector | None:
    vectors = await room.ledger.about.vectors(entity, _OF_EACH)
    if not len(vectors):
        return None
    mean = vectors.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


async def _said(room: Room, settled: Sequence[Settled]) -> list[Said]:
    """What is known of the entities of which something is said, by the same attributes."""
    states = [state for one in settled for state in one.states]
    if not states:
        return []
    entities = {state.entity for state in states}
    attributes = {state.attribute for state in states}
    return await room.ledger.about.said(entities, attributes, room.clock())


def _recent(reading: Reading, settled: Settled) -> list[Recent]:
    session = settled.memory.session
    return [] if session is None else reading.recent.get(session, [])
