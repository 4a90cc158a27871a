"""Which entity a name stands for: exactly, by another of its names, by a near spelling, by what it is said
of. Each decision says what decided; no evidence quotes a name, so that none outlives its erasure.

The rules are those that pay on gold mentions: the same name; the same without titles and legal forms; a person's first
or last name where it is one person's alone; near spellings (Ratcliff and Obershelp's measure would do as well as
the edit distance that RapidFuzz computes). Where several fit, the only one that the session's last memories name; else the
one whose memories are nearest to this one in meaning, if it is nearer by a margin. If none is, a name that is somebody's exactly
stays theirs, and any other begins an entity of its own: one too many can be merged, one too few was mixed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from ..model import EntityType
from .naming import VALUES, Name

__all__ = ["Known", "Resolution", "compatible", "fitting", "resolve"]

_NEAR_SPELLING = 82.0
"""Per cent alike, of names with the same skeleton."""
_MARGIN = 0.05
"""Of cosine, by which one of several must be nearer."""
_NEAR_WORD = 75.0
_SHORT = 4
_LONG = 5
_LONGER = "the name is a part of this one"
_LOOSE = frozenset(
    (EntityType.ORGANISATION, EntityType.PRODUCT, EntityType.PROJECT, EntityType.PACKAGE)
)
"""Sorts that texts do not tell apart reliably."""


class Known(NamedTuple):
    """A name that is known, and what it stands for."""

    folded: str
    bare: str
    first: str
    last: str
    skeleton: str
    id: str
    name: str
    type: EntityType


class Resolution(NamedTuple):
    """What a name stands for."""

    id: str | None
    """None: something new."""
    how: str
    evidence: str
    apart: bool = False
    """Whether something else bears the same name."""
    longer: bool = False
    """Whether this is more of the name than was known."""


class _Fit(NamedTuple):
    known: Known
    how: str
    evidence: str


def compatible(one: EntityType, other: EntityType) -> bool:
    """Whether two sorts may be the same thing's."""
    if EntityType.OTHER in (one, other):
        return one not in VALUES and other not in VALUES
    return one == other or {one, other} <= _LOOSE


def fitting(name: Name, sort: EntityType, known: Sequence[Known]) -> dict[str, list[_Fit]]:
    """The entities that a name may stand for, and by which of their names, in the best of three ways."""
    ways: dict[str, list[_Fit]] = {"exact": [], "alias": [], "fuzzy": []}
    others = _others(name, known)
    for one in known:
        if _may_be(name, sort, one) and one.id not in others:
            fit = _fit(name, sort, one)
            if fit is not None:
                ways[fit.how].append(fit)
    return ways


def resolve(
    name: Name,
    sort: EntityType,
    known: Sequence[Known],
    recent: Sequence[str],
    nearness: Callable[[Collection[str]], Mapping[str, float]] | None,
) -> Resolution:
    """What a name stands for. `recent` are the entities that the session's last memories name; `nearness`
    gives cosines between this memory and those of entities, where it is known."""
    ways = fitting(name, sort, known)
    alone = sort in (EntityType.PERSON, EntityType.OTHER) and not name.first
    short = ways["alias"] if alone else []
    exact = _ids(ways["exact"])
    if len(exact) == 1 and not (set(_ids(short)) - set(exact)):
        return Resolution(exact[0], "exact", "the same name")
    apart = any(one.folded == name.folded for one in known)
    for how in ("exact", "alias", "fuzzy"):
        fits = [*ways["exact"], *short] if how == "exact" and exact else ways[how]
        ids = _ids(fits)
        if len(ids) == 1:
            return Resolution(ids[0], how, fits[0].evidence, longer=fits[0].evidence == _LONGER)
        if ids:
            chosen = _only_spoken_of(ids, recent) or _nearest(ids, nearness)
            if chosen is not None:
                return chosen
            if exact:
                return Resolution(
                    exact[0], "exact", f"the same name; {len(ids)} others fit no better"
                )
            return Resolution(None, "new", f"{len(ids)} would fit and nothing tells which", apart)
    return Resolution(None, "new", "nothing known is like it", apart)


def _may_be(name: Name, sort: EntityType, one: Known) -> bool:
    """A full name is one's, whatever sort a text makes it seem: the words beside it are weak evidence."""
    if compatible(sort, one.type):
        return True
    values = sort in VALUES or one.type in VALUES
    return bool(name.first) and name.folded == one.folded and not values


def _others(name: Name, known: Sequence[Known]) -> set[str]:
    """Those who share one of two names and have another in the place of the other: namesakes."""
    if not name.first:
        return set()
    mine = (name.first, name.last)
    same = {one.id for one in known if one.folded == name.folded or (one.last, one.first) == mine}
    return {
        one.id
        for one in known
        if one.first and (one.first in mine) != (one.last in mine) and not _spelled_alike(name, one)
    } - same


def _spelled_alike(name: Name, one: Known) -> bool:
    """Whether the words in which two names of two differ are one word, spelled in two ways."""
    here, there = (name.last, one.last) if name.first == one.first else (name.first, one.first)
    return min(len(here), len(there)) >= _SHORT and fuzz.ratio(here, there) >= _NEAR_WORD


def _fit(name: Name, sort: EntityType, one: Known) -> _Fit | None:
    if name.folded == one.folded:
        return _Fit(one, "exact", "the same name")
    if sort in VALUES or one.type in VALUES:
        return None
    if name.bare == one.bare:
        return _Fit(one, "alias", "the same without title, legal form or sort")
    if name.first and (name.first, name.last) == (one.last, one.first) and _of_two(name, one):
        return _Fit(one, "alias", "the same two words in the other order")
    if EntityType.PERSON in (sort, one.type):
        if not name.first and name.bare in (one.first, one.last):
            return _Fit(one, "alias", "a part of the name")
        if not one.first and one.bare in (name.first, name.last):
            return _Fit(one, "alias", _LONGER)
    if (
        name.skeleton
        and name.skeleton == one.skeleton
        and min(len(name.bare), len(one.bare)) >= _LONG
    ):
        alike = fuzz.ratio(name.bare, one.bare)
        if alike >= _NEAR_SPELLING - 7 * (sort is EntityType.PERSON):
            return _Fit(one, "fuzzy", f"spelled {alike / 100:.2f} alike, with the same consonants")
    return None


def _of_two(name: Name, one: Known) -> bool:
    return name.bare.count(" ") == one.bare.count(" ") == 1


def _ids(fits: Iterable[_Fit]) -> list[str]:
    return list(dict.fromkeys(fit.known.id for fit in fits))


def _nearest(
    ids: Sequence[str], nearness: Callable[[Collection[str]], Mapping[str, float]] | None
) -> Resolution | None:
    if nearness is None:
        return None
    near = nearness(ids)
    best, *others = sorted(ids, key=lambda one: -near.get(one, -1.0))
    first, second = near.get(best, -1.0), near.get(others[0], -1.0)
    if first - second < _MARGIN:
        return None
    return Resolution(
        best, "context", f"cosine of its memories to this {first:.2f}, next {second:.2f}"
    )


def _only_spoken_of(ids: Sequence[str], recent: Sequence[str]) -> Resolution | None:
    found = set(ids) & set(recent)
    if len(found) != 1:
        return None
    return Resolution(found.pop(), "context", "the only one that the session's last memories name")
