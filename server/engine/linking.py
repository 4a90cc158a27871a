"""How a new memory stands to older ones: what it contradicts by entity, attribute and time; what it repeats,
refines or continues."""

import re
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz

from ..entities import VALUES, fold
from ..ledger import NewLink, NewState, Recent, Said
from ..model import EntityType, LinkType, Memory, Near, Update

__all__ = ["VAGUE", "differs", "links", "updates"]

_REPEATS = 0.93
"""Cosine from which a neighbour says the same, if no statement differs."""
_COVERED = 0.7
"""Share of a neighbour's words that what refines it has."""
_SAME = 92.0
_ARTICLES = re.compile(r"^(?:the|a|an) ")
VAGUE = frozenset(("prefers",))
"""Attributes of which one may have several, of different things: only a near memory is about the same."""
_MOST = 5


def updates(
    memory: Memory,
    states: Sequence[NewState],
    said: Sequence[Said],
    names: Mapping[str, tuple[str, EntityType]],
    near: Sequence[Near],
) -> list[Update]:
    """What older memories say otherwise, newest first. `said` is oldest first, and of any of the entities."""
    close = {one.id for one in near}
    found: dict[tuple[str, str, str], Update] = {}
    for state in states:
        for old in reversed(said):
            same = (old.entity, old.attribute) == (state.entity, state.attribute)
            if not same or not differs(state, old):
                continue
            if state.attribute in VAGUE and old.memory not in close:
                continue
            update = Update(
                id=old.memory,
                entity=names[state.entity][0],
                attribute=state.attribute,
                was=("not " if old.negated else "") + old.value,
                now=("not " if state.negated else "") + state.value,
                when=old.since,
            )
            found.setdefault((old.memory, state.entity, state.attribute), update)
    return [one for one in found.values() if one.id != memory.id][:_MOST]


def differs(new: NewState | Said, old: Said) -> bool:
    """Whether what is said later, of the same entity and attribute, is another value of what has one at a time, or
    denies what was said, or says what was denied."""
    same = _alike(new.value, old.value)
    if new.negated != old.negated:
        return same
    return not same and not new.negated and (new.single or old.single)


def _alike(one: str, other: str) -> bool:
    left, right = (_ARTICLES.sub("", fold(value)) for value in (one, other))
    if left == right:
        return True
    if any(letter.isdigit() for letter in left + right):
        return False
    return (
        fuzz.ratio(left, right) >= _SAME
        or f" {left} " in f" {right} "
        or f" {right} " in f" {left} "
    )


def links(
    memory: Memory,
    supersedes: Sequence[str],
    updates: Sequence[Update],
    near: Sequence[Near],
    recent: Sequence[Recent],
    names: Mapping[str, tuple[str, EntityType]],
) -> tuple[NewLink, ...]:
    """Typed links to older memories, one to each."""
    found: dict[str, NewLink] = {}
    for one in supersedes:
        found.setdefault(one, NewLink(one, LinkType.SUPERSEDES, "said by whoever remembered it"))
    for update in updates:
        why = f"another value of {update.attribute!r}"
        found.setdefault(update.id, NewLink(update.id, LinkType.CONTRADICTS, why))
    for one in near:
        if one.id not in found and (kind := _kind(memory.content, one)) is not None:
            found[one.id] = NewLink(one.id, kind, f"cosine {one.relevance:.2f}")
    for one in recent:
        if one.id in names and one.type not in VALUES and one.memory not in found:
            why = "the same session, of the same"
            found[one.memory] = NewLink(one.memory, LinkType.CONTINUES, why)
            break
    return tuple(found.values())


def _kind(text: str, near: Near) -> LinkType | None:
    if near.relevance >= _REPEATS:
        return LinkType.REPEATS
    mine, theirs = _words(text), _words(near.content)
    covered = len(mine & theirs) / max(len(theirs), 1)
    return LinkType.REFINES if covered >= _COVERED and len(mine) > len(theirs) else None


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
