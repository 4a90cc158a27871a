"""Two names of one, where a text says that they are: `Robert (nickname Bob)`, `ACME, formerly known as Foo`."""

import re
from collections.abc import Sequence

from ..model import EntityType
from .naming import VALUES
from .protocol import Found

__all__ = ["other_names"]

_ALSO = (
    r"(?:nickname[ds]?(?: is)?|a\.?k\.?a\.?|alias|(?:also |better |formerly |previously )?known as|formerly|"
    r"goes by(?: the name(?: of)?)?|short for|(?:is|was) (?:nicknamed|renamed(?: to)?|short for|(?:also )?known as))"
)
_BETWEEN = re.compile(
    rf"(?:,? (?:who )?{_ALSO}|\s?\((?:[^().;\n]{{0,60}}, ?)?{_ALSO})[ :]\s?[\"'“‘]?", re.IGNORECASE
)
"""What stands between two names: a phrase, or a parenthesis in which it may come after something else."""
_REACH = 100
"""Characters from the end of one to the beginning of the other."""
_HINT = re.compile(r"name|known|a\.?k\.?a|alias|formerly|goes by|short for", re.IGNORECASE)


def other_names(text: str, found: Sequence[Found]) -> dict[int, int]:
    """Where another name of something begins, and where the one that it is another of. `found` is by place."""
    if len(found) < 2 or _HINT.search(text) is None:
        return {}
    named = [one for one in found if one.type not in VALUES and one.stop]
    others: dict[int, int] = {}
    for place, one in enumerate(named):
        for other in named[place + 1 : place + 4]:
            near = other.start - one.stop <= _REACH and _may_share(one.type, other.type)
            if near and _BETWEEN.fullmatch(text, one.stop, other.start):
                others.setdefault(other.start, one.start)
    return others


def _may_share(one: EntityType, other: EntityType) -> bool:
    """A person and a product are not one, whatever stands between; where a sort is a guess, the text decides."""
    sure = {EntityType.PERSON, EntityType.PRODUCT}
    return {one, other} != sure
