"""What a question says of the times in it: ranges, parts, "the week before", "since".

The times of `calendar_dates.py` are one letter each here, `A`, between the kinds of the other words.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from . import periods
from .calendar_dates import Dated, Reading, rules
from .calendar_words import Word
from .periods import Period

__all__ = ["Phrase", "phrases"]

_RULES = re.compile(
    # As "on the evening of", which goes with it.
    r"(?=[^x,.\-])(?P<lead>(?:[iOpRF]?T?D[FO]?|[iOpRF])?T?)(?P<side>[sbau]T?)?(?:"
    + rules(
        {
            "range": r"(?:BT?AT?&|A[->u])T?A",
            "again": r"A,?OT?A",
            "half": r"[fl]HFT?A",
            "nth": r"[fl]UFT?A",
            "part": r"(?:P[->&])?P-?[Fi]?T?A",
            "beside": r"(?:c?vF?|[cdl#])?[UhW][ba]T?A",
            "within": r"[Uh]FT?A",
            "plain": r"A(?:,?&?[OiF]?T?A){0,8}",
        }
    )
    + r")D?'?"
)


class Phrase(NamedTuple):
    """A time with all that is said of it, and where in the text it begins and ends."""

    periods: tuple[Period, ...]
    start: int
    stop: int
    repeated: bool
    """Whether memories tell of it in these words, too: of dates they do not, of "last summer" they do."""


def phrases(reading: Reading, today: int) -> Iterator[Phrase]:
    """The times of a text, in its order."""
    dates = list(reading.dates())
    if not dates:
        return
    kinds, owners = _collapsed(reading, dates)
    for match in _RULES.finditer(kinds):
        parts = owners[match.start() : match.end()]
        found = _found(match, parts, reading.words)
        if match["side"]:
            side = str(reading.words[_first(parts[len(match["lead"])])].value)
            found = tuple(periods.one_sided(one, today, side) for one in found)
        start, stop = reading.words[_first(parts[0])].start, reading.words[_last(parts[-1])].stop
        repeated = all(one.repeated for one in parts if isinstance(one, Dated))
        yield Phrase(found, start, stop, repeated)


def _collapsed(reading: Reading, dates: Sequence[Dated]) -> tuple[str, list[Dated | int]]:
    """The kinds with one letter for each date, and the date or the word of each letter."""
    kinds, place = "", 0
    owners: list[Dated | int] = []
    for one in dates:
        kinds += reading.kinds[place : one.first] + "A"
        owners += [*range(place, one.first), one]
        place = one.last
    owners += range(place, len(reading.words))
    return kinds + reading.kinds[place:], owners


def _first(part: Dated | int) -> int:
    return part.first if isinstance(part, Dated) else part


def _last(part: Dated | int) -> int:
    return part.last - 1 if isinstance(part, Dated) else part


def _found(
    match: re.Match[str], parts: Sequence[Dated | int], words: Sequence[Word]
) -> tuple[Period, ...]:
    dates = [one for one in parts if isinstance(one, Dated)]
    if match["range"]:
        return (periods.join(dates[0].found[0], dates[1].found[-1]),)
    inner = parts[len(match["lead"]) + len(match["side"] or "") :]
    said = [words[one] for one in inner if isinstance(one, int)]
    change = next((change for name, change in _CHANGES.items() if match[name]), None)
    if change:
        return tuple(change(one, said) for one in dates[-1].found)
    return tuple(one for date in (dates[1:] if match["again"] else dates) for one in date.found)


def _half(period: Period, said: Sequence[Word]) -> Period:
    return periods.part(period, "half 1" if said[0].value == 1 else "half 2")


def _nth(period: Period, said: Sequence[Word]) -> Period:
    number = said[0].value
    return periods.nth(period, str(said[1].value), number if isinstance(number, int) else 0)


def _part(period: Period, said: Sequence[Word]) -> Period:
    names = [str(word.value) for word in said if word.kind == "P"]
    first, last = periods.part(period, names[0]), periods.part(period, names[-1])
    return first._replace(end=max(first.end, last.end))


def _beside(period: Period, said: Sequence[Word]) -> Period:
    values = {word.kind: word.value for word in said}
    before = "b" in values
    if isinstance(number := values.get("W"), int):
        return periods.weekday_beside(period, number, before=before)
    count = next((n for kind in "vcd#" if isinstance(n := values.get(kind), int)), 1)
    unit = str(values.get("U") or values.get("h"))
    return periods.stretch(period, unit, count, before=before)


def _within(period: Period, said: Sequence[Word]) -> Period:
    return periods.around(period, str(said[0].value))


_CHANGES: Mapping[str, Callable[[Period, Sequence[Word]], Period]] = {
    "half": _half,
    "nth": _nth,
    "part": _part,
    "beside": _beside,
    "within": _within,
}
