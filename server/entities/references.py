"""Whom `she` and what `the project` means, where the evidence is clear: one candidate, and no other.

A person's pronoun means the only person that the text named before it, or else the only one that the session's last
memories name. `the project` and the like mean the only one of that sort. `it` means the only thing that
the text itself named before. `I` and `my` mean the speaker. Everything else stays open.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..model import EntityType

__all__ = ["Antecedent", "Reference", "means", "references"]

_PERSON: Final = frozenset(("he", "she", "him", "his", "her", "hers"))
_SPEAKER: Final = frozenset(("i", "my", "me", "mine", "we", "our"))
_SORTS: Final = {
    "project": (EntityType.PROJECT,),
    "repo": (EntityType.PROJECT,),
    "repository": (EntityType.PROJECT,),
    "company": (EntityType.ORGANISATION,),
    "team": (EntityType.PROJECT, EntityType.ORGANISATION),
    "app": (EntityType.PROJECT, EntityType.PRODUCT),
    "service": (EntityType.PROJECT,),
    "tool": (EntityType.PRODUCT, EntityType.PACKAGE),
    "product": (EntityType.PRODUCT,),
    "library": (EntityType.PACKAGE, EntityType.PRODUCT),
    "package": (EntityType.PACKAGE,),
}
_REFERENCE = re.compile(
    rf"\b(?:he|she|him|his|her|hers|it|its|I|my|(?:the|this|our) (?:{'|'.join(_SORTS)}))\b",
    re.IGNORECASE,
)
_THINGS: Final = frozenset(
    (EntityType.PROJECT, EntityType.PRODUCT, EntityType.PACKAGE, EntityType.ORGANISATION)
)
_REACH = 3
"""Memories of the session that a reference reaches back."""


class Reference(NamedTuple):
    """A place that names something without its name."""

    start: int
    stop: int
    text: str
    """Lower case."""


class Antecedent(NamedTuple):
    """What was named before: in this text, or in an earlier memory of the session."""

    id: str
    type: EntityType
    back: int
    """How many memories ago; 0: in this text."""
    place: int
    """Where in the text."""


def references(text: str) -> list[Reference]:
    """By place."""
    found = (Reference(*m.span(), m.group().lower()) for m in _REFERENCE.finditer(text[:5000]))
    return list(found)


def means(
    reference: Reference, before: Sequence[Antecedent], speaker: str | None
) -> tuple[str, str, str] | None:
    """The entity that is meant, how that is known, and by what evidence; None where it stays open."""
    if reference.text in _SPEAKER:
        return None if speaker is None else (speaker, "speaker", "said by the speaker")
    here = [one for one in before if one.back == 0 and one.place < reference.start]
    if reference.text in ("it", "its"):
        return _only(here, _THINGS, "thing that the text named before")
    if reference.text in _PERSON:
        sorts = frozenset((EntityType.PERSON,))
        found = _only(here, sorts, "person that the text named before")
        if found is not None or any(one.type in sorts for one in here):
            return found
        return _only(_back(before), sorts, f"person that the session's last {_REACH} memories name")
    sort = _SORTS.get(reference.text.rpartition(" ")[2], ())
    found = _only(here, sort, "one of its sort that the text named before")
    if found is not None or any(one.type in sort for one in here):
        return found
    return _only(
        _back(before), sort, f"one of its sort that the session's last {_REACH} memories name"
    )


def _back(before: Sequence[Antecedent]) -> list[Antecedent]:
    return [one for one in before if 0 < one.back <= _REACH]


def _only(
    found: Sequence[Antecedent], sorts: Sequence[EntityType] | frozenset[EntityType], what: str
) -> tuple[str, str, str] | None:
    ids = {one.id for one in found if one.type in sorts}
    return (ids.pop(), "pronoun", f"the only {what}") if len(ids) == 1 else None
