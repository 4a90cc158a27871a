"""What bears a name: told by its words, then by those around it."""

import re

from ..model import EntityType
from .lexicon import given_names, places, technology
from .names import Name

__all__ = ["sort_of"]

_LEGAL = frozenset(
    [
        "inc",
        "inc.",
        "ltd",
        "ltd.",
        "llc",
        "gmbh",
        "ag",
        "corp",
        "corp.",
        "corporation",
        "co.",
        "plc",
        "sa",
        "s.a.",
        "bv",
        "b.v.",
        "university",
        "college",
        "bank",
        "institute",
        "company",
        "group",
        "labs",
        "foundation",
        "association",
        "ministry",
        "agency",
        "partners",
        "holdings",
        "airlines",
        "studios",
    ]
)
_GROUND = frozenset(
    [
        "street",
        "st.",
        "road",
        "avenue",
        "boulevard",
        "blvd",
        "square",
        "park",
        "lake",
        "mountain",
        "river",
        "city",
        "county",
        "island",
        "islands",
        "bridge",
        "airport",
        "station",
        "beach",
        "valley",
        "museum",
        "hospital",
        "tower",
        "strasse",
        "straße",
    ]
)
_WORKS = frozenset(
    ["project", "repo", "repository", "service", "team", "initiative", "milestone", "sprint"]
)
_TITLES = re.compile(r"\b(?:mr|mrs|ms|dr|prof|professor|sir|president|ceo|cto)\.?$")
_KIN = re.compile(
    r"\b(?:my|his|her|our|their)? ?(?:friend|colleague|boss|manager|brother|sister|wife|husband|mother|father|mom|dad|"
    r"son|daughter|cousin|uncle|aunt|partner|roommate|neighbou?r|doctor|coach|teacher)$"
)
_TOWARDS_PERSON = re.compile(
    r"\b(?:with|met|told|asked|called|thanks|dear|hi|hey|by|and|named|emailed|meet)$"
)
_OF_PERSON = re.compile(
    r"^(?:'s (?:wife|husband|birthday|mother|father|job|team|manager)|(?:said|says|told|asked|works|worked|prefers|likes|loves|"
    r"hates|wants|lives|lived|thinks|thought|met|called|joined|wrote|owns|feels|went|is married|moved|left|leads|manages|"
    r"reviewed|approved|suggested|agreed|decided|had|has|was born|studied|plays))\b"
)
_TOWARDS_PLACE = re.compile(
    r"\b(?:in|near|visit|visited|visiting|(?:moved|flew|travel(?:s|l?ed)?|drove|trip|flight|train|relocated|came|"
    r"comes|back) (?:to|from)|around)$"
)
_TOWARDS_COMPANY = re.compile(
    r"\b(?:works? (?:at|for)|work(?:ed|ing) (?:at|for)|joined|company|startup|ceo of|employer|hired by)$"
)
_TOWARDS_PROJECT = re.compile(
    r"\b(?:project|codename|codenamed|initiative|repo|repository|milestone)$"
)
_TOWARDS_PRODUCT = re.compile(
    r"\b(?:use|uses|using|used|install|installed|library|framework|tool|app|language|database|"
    r"(?:built|made|written|done|works|runs?|running|based|integrat(?:es|ed)|implemented) (?:with|on))$"
)


def sort_of(name: Name) -> EntityType:
    """The best guess; `other` where nothing tells."""
    return _by_words(name) or _by_neighbours(name) or EntityType.OTHER


def _by_words(name: Name) -> EntityType | None:
    words = [word.lower() for word in name.words]
    whole = " ".join(words)
    if whole in places():
        return EntityType.PLACE
    if whole in technology():
        return technology()[whole]
    if len(words) > 1:
        if words[0] == "project" or words[-1] in _WORKS:
            return EntityType.PROJECT
        if words[-1] in _LEGAL:
            return EntityType.ORGANISATION
        if words[-1] in _GROUND:
            return EntityType.PLACE
        if words[0] in technology():
            return technology()[words[0]]
    return EntityType.PERSON if words[0] in given_names() else None


def _by_neighbours(name: Name) -> EntityType | None:
    before, after = name.before, name.after
    if _TITLES.search(before.rstrip(" .")) or _KIN.search(before):
        return EntityType.PERSON
    if _TOWARDS_COMPANY.search(before):
        return EntityType.ORGANISATION
    if _TOWARDS_PROJECT.search(before) or after.partition(" ")[0] in _WORKS:
        return EntityType.PROJECT
    if len(name.words) < 4 and _OF_PERSON.search(after):
        return EntityType.PERSON
    if _TOWARDS_PLACE.search(before):
        return EntityType.PLACE
    if _TOWARDS_PRODUCT.search(before):
        return EntityType.PRODUCT
    return EntityType.PERSON if _TOWARDS_PERSON.search(before) else None
