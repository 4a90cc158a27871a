"""Forms of a name, by which others that may mean the same are looked up and compared."""

import re
import unicodedata
from typing import NamedTuple

from ..model import EntityType

__all__ = ["VALUES", "Name", "fold", "name_of"]

VALUES = frozenset(
    (
        EntityType.DATE,
        EntityType.AMOUNT,
        EntityType.VERSION,
        EntityType.ID,
        EntityType.URL,
        EntityType.EMAIL,
        EntityType.FILE,
        EntityType.SYMBOL,
        EntityType.PACKAGE,
    )
)
"""Sorts whose names are what they are: only the very same name means the same."""
_LEADING = re.compile(r"^(?:the|project|mr|mrs|ms|dr|prof|professor|sir)\.? (?=\S)")
_TRAILING = re.compile(
    r"(?<=\S),? (?:inc|ltd|llc|gmbh|ag|corp|corporation|co|company|plc|sa|bv|project|repo|repository|app)\.?$"
)
_VOWELS = re.compile(r"[aeiouyäöü]+")
_DOUBLED = re.compile(r"(.)\1+")
_SKELETON = 3
"""Consonants from which a skeleton tells anything."""


class Name(NamedTuple):
    """A name in the forms in which it is compared."""

    folded: str
    bare: str
    """Without titles, legal forms, and what says its sort."""
    first: str
    last: str
    """Words of a bare name of several; empty otherwise."""
    skeleton: str
    """First letter and consonants of a bare name, by which near spellings meet (`mohammed`, `muhammad`: `mhmd`);
    empty where it is too short to tell."""


def fold(name: str) -> str:
    """A name as it is compared: case and space do not matter. The ledger folds labels so as well."""
    return " ".join(name.casefold().split())


def name_of(name: str, sort: EntityType) -> Name:
    """The forms of a name."""
    folded = fold(name)
    if sort in VALUES:
        return Name(folded, folded, "", "", "")
    bare = _TRAILING.sub("", _LEADING.sub("", folded)) or folded
    words = bare.split()
    several = len(words) > 1
    return Name(
        folded, bare, words[0] if several else "", words[-1] if several else "", _skeleton(bare)
    )


def _skeleton(bare: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", bare) if c.isalpha())
    if not plain:
        return ""
    consonants = plain[0] + _VOWELS.sub("", plain[1:])
    skeleton = _DOUBLED.sub(r"\1", consonants)
    return skeleton if len(skeleton) >= _SKELETON else ""
