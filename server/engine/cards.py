"""Cards: what is known of an entity in short, in the place of the memories that it stands for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from ..entities import fold
from ..ledger import Said
from ..model import Card, Cards, State
from ..model.render import compact
from ..model.shown import cards_dict
from .room import Room

__all__ = ["cards_of", "fitted"]

_STATES = 20
_MEMORIES = 5
_ALIASES = 10
_GUESS = 100
"""Three digits are one token."""


async def cards_of(room: Room, entities: Sequence[str]) -> list[Card]:
    """The cards of entities, by id, in their order; of those that some memory names. Raises StoreError."""
    about = room.ledger.about
    names = await about.names(entities)
    memories: dict[str, list[str]] = {}
    for root, memory, _ in await about.memories(entities):
        memories.setdefault(root, []).append(memory)
    said: dict[str, list[Said]] = {}
    for one in await about.states(entities):
        said.setdefault(one.entity, []).append(one)
    cards: list[Card] = []
    for root in dict.fromkeys(entities):
        if root not in names or root not in memories:
            continue
        name, kind, aliases = names[root]
        others = [one for one in dict.fromkeys(aliases) if fold(one) != fold(name)]
        cards.append(
            Card(
                id=root,
                name=name,
                type=kind,
                aliases=tuple(others[:_ALIASES]),
                states=tuple(_states(said.get(root, []), room.clock())[:_STATES]),
                memories=tuple(memories[root][:_MEMORIES]),
                mentions=len(memories[root]),
            )
        )
    return cards


def _states(said: Sequence[Said], now: datetime) -> list[State]:
    """What holds now first, then the newest. `said` is oldest first: of an attribute that has one value at a
    time, a state ends where the next begins; what is denied ends what was said."""
    open_states: dict[tuple[str, str], State] = {}
    closed: list[State] = []
    for one in said:
        for key, state in list(open_states.items()):
            if _ends(one, state):
                closed.append(replace(state, until=one.since))
                del open_states[key]
        if not one.negated:
            key = (one.attribute, "" if one.single else fold(one.value))
            open_states.setdefault(
                key,
                State(
                    attribute=one.attribute,
                    value=one.value,
                    since=one.since,
                    until=one.until,
                    memory=one.memory,
                ),
            )
    states = [*open_states.values(), *closed]
    states.sort(
        key=lambda state: (state.until is None or state.until > now, state.since), reverse=True
    )
    return states


def _ends(one: Said, state: State) -> bool:
    if one.attribute != state.attribute:
        return False
    same = fold(one.value) == fold(state.value)
    return same if one.negated else one.single and not same


def fitted(cards: Sequence[Card], *, limit: int, budget: int, count: Callable[[str], int]) -> Cards:
    """The first cards whose answer, as it is sent, costs at most `budget` tokens; the last that fits with
    as much as fits of what is said of it."""
    chosen = list(cards[:limit])
    answer = _counted(chosen, cards, count)
    while answer.tokens > budget and chosen:
        last = chosen.pop()
        if not chosen and len(last.states) > 1:
            chosen.append(replace(last, states=last.states[: len(last.states) // 2]))
        answer = _counted(chosen, cards, count)
    return answer


def _counted(chosen: Sequence[Card], cards: Sequence[Card], count: Callable[[str], int]) -> Cards:
    """With the cost of the answer, which includes the digits of that cost."""
    answer = Cards(cards=tuple(chosen), omitted=len(cards) - len(chosen), tokens=_GUESS)
    tokens = count(compact(cards_dict(answer)))
    # o200k_base cuts numbers into groups of up to three digits, each one token.
    while (more := _groups(tokens) - _groups(answer.tokens)) > 0:
        answer = replace(answer, tokens=tokens)
        tokens += more
    return replace(answer, tokens=tokens)


def _groups(number: int) -> int:
    return -(-len(str(number)) // 3)
