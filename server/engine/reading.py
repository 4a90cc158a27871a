"""What the texts of new memories name, and what is known that is like it: side by side with embedding."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from anyio import to_thread

from ..entities import (
    VALUES,
    Found,
    Known,
    Name,
    Reference,
    Statement,
    fold,
    keywords,
    name_of,
    other_names,
    references,
    statements,
)
from ..ledger import Candidate, Forms, Pruned, Recent
from ..model import EntityType, Memory
from .room import Room

__all__ = ["Read", "Reading", "known_of", "read"]

_SESSION = 3
"""Memories of the session that are looked back at."""


class Named(NamedTuple):
    """A name in a text, and in the forms in which it is compared."""

    found: Found
    name: Name
    given: bool


class Read(NamedTuple):
    """What one text names and says."""

    named: Sequence[Named]
    statements: Sequence[Statement]
    references: Sequence[Reference]
    keywords: tuple[str, ...]
    others: Mapping[int, int]
    """Where another name of something begins, and where the one that it is another of."""


class Reading(NamedTuple):
    """What some texts name and say, and what is known that is like it."""

    reads: Sequence[Read]
    known: Sequence[Candidate]
    recent: dict[str, list[Recent]]
    """By session."""
    pruned: Pruned
    pruned_then: int


def known_of(rows: Iterable[Candidate]) -> list[Known]:
    """The ledger's names as resolution compares them: it does not ask whose own a name is."""
    return [Known(*row[:-1]) for row in rows]


async def read(room: Room, memories: Sequence[Memory]) -> Reading:
    """Look through new memories. Raises StoreError."""
    pruned = room.ledger.about.pruned
    then = pruned.times
    await room.counter.load()
    reads = await to_thread.run_sync(_read_all, room, memories, limiter=room.reading)
    names = [one for each in reads for one in each.named]
    known = await room.ledger.about.candidates(_forms(names)) if names else []
    sessions = {one.session for one in memories if one.session is not None}
    recent = {name: await room.ledger.about.recent(name, _SESSION) for name in sessions}
    return Reading(reads, known, recent, pruned, then)


def _read_all(room: Room, memories: Sequence[Memory]) -> list[Read]:
    found = room.extractor.extract([one.content for one in memories])
    return [_read(room, one, names) for one, names in zip(memories, found, strict=True)]


def _read(room: Room, memory: Memory, found: Sequence[Found]) -> Read:
    text = memory.content
    named = [Named(one, name_of(one.name, one.type), given=False) for one in found]
    if memory.entities:
        named = _with_given(text, named, memory.entities)
    words = keywords(text, [one.found for one in named], room.counter.rank)
    all_found = [one.found for one in named if one.found.stop]
    said, others = statements(text, all_found), other_names(text, all_found)
    return Read(named, said, references(text), words, others)


def _with_given(text: str, named: Sequence[Named], given: Sequence[str]) -> list[Named]:
    """The agent's own entities win: what the rules take for names is theirs, or is left out. What is
    known by its shape stays."""
    types = {one.name.folded: one.found.type for one in named}
    spans = [_place(text, name) for name in given]
    mine = [
        _given(name, start, types.get(fold(name), EntityType.OTHER))
        for name, start in zip(given, spans, strict=True)
    ]
    taken = [one.found for one in mine if one.found.stop]
    rest = [
        one
        for one in named
        if one.found.type in _SHAPED
        and not any(one.found.start < t.stop and t.start < one.found.stop for t in taken)
    ]
    return sorted([*mine, *rest], key=lambda one: one.found.start)


_SHAPED = frozenset(
    (
        EntityType.DATE,
        EntityType.AMOUNT,
        EntityType.VERSION,
        EntityType.ID,
        EntityType.URL,
        EntityType.EMAIL,
        EntityType.FILE,
        EntityType.SYMBOL,
    )
)


def _place(text: str, name: str) -> int:
    """Where a text has the name; -1 where it has not."""
    return text.casefold().find(name.casefold())


def _given(name: str, start: int, sort: EntityType) -> Named:
    start, stop = (0, 0) if start < 0 else (start, start + len(name))
    return Named(Found(start, stop, sort, name), name_of(name, sort), given=True)


def _forms(named: Sequence[Named]) -> Forms:
    names = [one.name for one in named]
    words = {word for one in names for word in (one.first, one.last) if word}
    alone = {one.name.bare for one in named if not one.name.first and one.found.type not in VALUES}
    return Forms(
        folded=frozenset(one.folded for one in names),
        bare=frozenset({one.bare for one in names} | words),
        single=frozenset(alone | words),
        skeletons=frozenset(one.skeleton for one in names if one.skeleton),
    )
