"""entities and entity_merge: finding entities, and putting right which of them are the same."""

from collections.abc import Sequence

from ..entities import VALUES, fold, name_of, resolve
from ..errors import InvalidInput, NotFound
from ..ledger import Forms
from ..model import (
    Card,
    Cards,
    Connections,
    EntityType,
    Link,
    Named,
    Query,
    is_entity_id,
    new_entity_id,
)
from ..tasks import uninterrupted
from .cards import cards_of, fitted
from .check import check_ids, check_name
from .reading import known_of
from .room import Room

__all__ = ["connections", "find", "get_card", "merge"]

_LIMIT = 100
_TOKENS = range(100, 100_001)
_ABOUT = 20
"""Memories near to a description, whose entities are meant by it."""
_MOST = 50
_MERGED = 100


async def find(
    room: Room, query: str, kind: EntityType | None, limit: int, max_tokens: int
) -> Cards:
    """The entities that a name, an alias or a description means, best first; with none, the most named.

    Raises:
        InvalidInput: it cannot be asked so.
    """
    if not 1 <= limit <= _LIMIT:
        raise InvalidInput(f"limit: give 1 to {_LIMIT}.")
    if max_tokens not in _TOKENS:
        raise InvalidInput(f"max_tokens: give {_TOKENS.start} to {_TOKENS.stop - 1}.")
    if query.strip():
        check_name("query", query)
    await room.counter.load()
    ids = await _meant(room, " ".join(query.split()), kind)
    cards = await cards_of(room, ids)
    kept = [card for card in cards if kind is None or card.type is kind]
    return fitted(kept, limit=limit, budget=max_tokens, count=room.counter.count)


async def _meant(room: Room, query: str, kind: EntityType | None) -> list[str]:
    if is_entity_id(query):
        found = await room.ledger.about.roots([query])
        return list(found.values())
    named = await _named(room, query) if query else []
    like = await room.ledger.about.named_like(query, kind, _MOST)
    ids = list(dict.fromkeys([*named, *like]))
    return ids or await _described(room, query, kind)


async def _named(room: Room, query: str) -> list[str]:
    """By a name, in the forms that would be known again in a memory."""
    name = name_of(query, EntityType.OTHER)
    words = {word for word in (name.first, name.last) if word}
    forms = Forms(
        folded=frozenset((fold(query),)),
        bare=frozenset({name.bare} | words),
        single=frozenset(words or {name.bare}),
        skeletons=frozenset((name.skeleton,) if name.skeleton else ()),
    )
    rows = await room.ledger.about.candidates(forms)
    known = known_of(rows)
    several: list[str] = []

    def noted(ids: Sequence[str]) -> dict[str, float]:
        several.extend(ids)
        return {}

    found = resolve(name, EntityType.OTHER, known, (), lambda ids: noted(list(ids))).id
    values = [one.id for one in known if one.folded == name.folded and one.type in VALUES]
    return [*([] if found is None else [found]), *values, *several]


async def _described(room: Room, query: str, kind: EntityType | None) -> list[str]:
    """By the memories that answer a description: the entities that the best of them name most."""
    if not query:
        return []
    question = Query(text=query, limit=_ABOUT, max_tokens=_TOKENS.stop - 1)
    answer, _ = await room.retriever().recall(question, room.sight())
    weights: dict[str, float] = {}
    for one in answer.recollections:
        for mention in await room.ledger.about.mentions(one.memory.id):
            fits = mention.type is kind if kind is not None else mention.type not in VALUES
            if fits:
                weights[mention.id] = weights.get(mention.id, 0.0) + one.relevance
    return sorted(weights, key=lambda one: -weights[one])[:_MOST]


async def get_card(room: Room, entity: str) -> Card:
    """One entity; of one that was merged, the one that stands for it. Raises NotFound."""
    root = (await room.ledger.about.roots([entity])).get(entity)
    cards = await cards_of(room, [] if root is None else [root])
    if not cards:
        raise NotFound(f"No entity {entity[:20]!r}. Ids come from `entities`.")
    return cards[0]


async def merge(room: Room, into: str, others: Sequence[str], by: str, *, undo: bool) -> Card:
    """Let entities be the same as another, or take them apart again; with `undo`, a name of the entity
    that is no id is split off as an entity of its own.

    Raises:
        NotFound: an id names no entity, or it was not merged; nothing was changed.
        InvalidInput: nothing, or too much, was named; a name is the only one.
    """
    if not 1 <= len(others) <= _MERGED:
        raise InvalidInput(f"from: name 1 to {_MERGED} entities.")
    for one in [into] if undo else [into, *others]:
        if not is_entity_id(one):
            raise NotFound(f"No entity {one[:20]!r}. Ids come from `entities`.")
    await uninterrupted(_merge(room, into, others, by, undo=undo))
    room.answers.changed()
    return await get_card(room, into)


async def _merge(room: Room, into: str, others: Sequence[str], by: str, *, undo: bool) -> None:
    about = room.ledger.about
    now = room.clock()
    if not undo:
        await about.merge(into, others, f"merged by {by}", now)
        return
    names = [one for one in others if not is_entity_id(one)]
    if ids := [one for one in others if is_entity_id(one)]:
        await about.undo(into, ids, now)
    for name in names:
        check_name("from", name)
        await about.split(into, name, new_entity_id(), f"split off by {by}", now)


async def connections(room: Room, memory: str) -> Connections:
    """What a memory names, what it is about in a few words, and how it stands to others."""
    check_ids([memory])
    about = room.ledger.about
    mentions = await about.mentions(memory)
    words, line = await about.context(memory) or ((), "")
    links = await about.links(memory)
    return Connections(
        mentions=tuple(
            Named(
                entity=one.id,
                name=one.name,
                type=one.type,
                start=one.start,
                stop=one.stop,
                how=one.how,
                evidence=one.evidence,
            )
            for one in mentions
        ),
        links=tuple(
            Link(
                type=one.type,
                memory=one.target if one.source == memory else one.source,
                forward=one.source == memory,
                why=one.why,
            )
            for one in links
        ),
        keywords=words,
        context=line,
    )
