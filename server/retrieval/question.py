"""What a question says, beside its words: whom it names, which time it speaks of, what it asks for."""

from dataclasses import dataclass
from datetime import datetime

from .details import details
from .people import Named, People
from .signs import wanted_signs
from .when import Times, times

__all__ = ["Question", "read_question"]

_SPEAKER, _OWNER = "I", "my"
"""Stand in what is embedded for somebody who is named: memories are told in the first person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as it is sought."""

    words: str
    """For the full text: without the words for its time, which memories do not repeat."""
    meaning: str
    """For the vectors: without those either, and without the names of known people."""
    people: frozenset[str]
    """Who is named, as the memories name them."""
    times: Times
    """Those that any memory falls into."""
    periods: tuple[tuple[datetime, datetime], ...]
    """The same as stretches of the time that the memories are of, from the first on."""
    signs: int
    """That its answer should have."""
    details: tuple[str, ...]
    """People, places and numbers that it names, as far as they are not known already."""


def read_question(
    text: str, people: People, now: datetime, extent: tuple[datetime, datetime]
) -> Question:
    """Take a question apart. What would be left empty stays whole.

    `extent`: the first and the last time that any memory is of. A time beyond it is no time to look
    in: its words are sought like any others.
    """
    said = found = times(text, now)
    periods = tuple(found.ranges(*extent)) if found.spans else ()
    if not periods:
        found = Times(())
    named = people.named_in(text)
    anonymous = _without_names(text, named)
    timeless = times(anonymous, now).without(anonymous) if periods else anonymous
    return Question(
        words=found.without(text).strip() or text,
        meaning=timeless.strip() or text,
        people=frozenset(one.person for one in named),
        times=found,
        periods=periods,
        signs=wanted_signs(text),
        details=tuple(details(text, named, said)),
    )


def _without_names(text: str, named: list[Named]) -> str:
    for one in reversed(named):
        text = text[: one.start] + (_OWNER if one.possessive else _SPEAKER) + text[one.stop :]
    return text
