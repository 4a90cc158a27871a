"""The words of a question that can be part of a time expression, one letter for the kind of each.

So a question becomes a short string, such as `iTP-M,xxxx` for "in the mid-May, ...", in which the rules
of `when.py` are regular expressions over kinds of words: no rule has to spell out words, spaces or
cases, and the most words of a question, `x`, fit none.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from .periods import Period, day, months

__all__ = ["HOLIDAYS", "NAMES", "Word", "may_tell_time", "words"]

HOLIDAYS = {"christmas": (12, 24, 3), "xmas": (12, 24, 3), "halloween": (10, 31, 1)}
"""Month, day, and how many days."""
NAMES = frozenset((3, 4, 5, 6, 8))
"""Months whose names are words or people's names as well."""

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_YEARS = range(1900, 2200)
_LAST_DAY = 31
_LARGEST = 9999

Value: TypeAlias = str | int | tuple[Period, ...]


class Word(NamedTuple):
    """A word, number or sign, and what it is to the calendar."""

    kind: str
    value: Value
    start: int
    stop: int


def _vocabulary() -> dict[str, tuple[str, Value]]:
    found: dict[str, tuple[str, Value]] = {}

    def put(kind: str, words: str | Iterable[str], value: Value = "") -> None:
        for word in words.split() if isinstance(words, str) else words:
            found[word] = (kind, value or word)

    for number, name in enumerate(_MONTHS, 1):
        put("m", [name[:3]], number)
        put("M", [name], number)
    put("m", "sept", 9)
    for number, name in enumerate(_WEEKDAYS):
        found[name] = ("W", number)
        put("w", [name[:3]])
    put("w", "tues thur thurs")
    for name, first in _SEASONS.items():
        put("S", [name], first)
    for unit in ("day", "week", "month", "quarter", "year"):
        put("U", [unit, unit + "s"], unit)
    put("h", "weekend weekends", "weekend")
    put("H", "half")
    put("l", "last past previous", "last")
    put("t", "this current", "this")
    put("n", "next coming upcoming", "next")
    put("P", "early beginning start", "early")
    put("P", "mid middle", "mid")
    put("P", "late end", "late")
    for number, name in enumerate(_NUMBERS, 1):
        put("c", [name], number)
    put("c", "a an", 1)
    put("v", "couple", 2)
    put("v", "few", 3)
    put("v", "several", 4)
    for number, name in enumerate(["first", "second", "third", "fourth"], 1):
        put("f", [name], number)
    for offset, names in ((-1, "yesterday"), (0, "today tonight"), (1, "tomorrow")):
        for name in names.split():
            found[name] = ("N", offset)
    put("D", "morning afternoon evening night")
    for number in range(1, 5):
        put("Q", [f"q{number}"], number)
    for letter, names in {
        "k": "christmas xmas halloween",
        "K": "valentine",
        "e": "new",
        "E": "eve",
        "g": "ago",
        "b": "before",
        "a": "after",
        "s": "since",
        "u": "until till by",
        "R": "from",
        ">": "to through",
        "&": "and",
        "B": "between",
        "F": "of",
        "T": "the",
        "i": "in during throughout around within",
        "O": "on",
        "p": "at over for",
        "'": "'s ’s",
        ",": ",",
        ".": ".",
        "-": "- – —",
    }.items():
        put(letter, names)
    return found


_VOCABULARY = _vocabulary()
_OTHER: tuple[str, Value] = ("x", "")
_ANCHORS = "MNSQWUhkKD"
"""A question without one of these kinds, or a number of four digits, tells no time."""
_ANCHOR = re.compile(
    r"\d{4}|\d月|\b(?:"
    + "|".join(sorted(w for w, (kind, _) in _VOCABULARY.items() if kind in _ANCHORS + "m"))
    + r")\b"
)
_WORD = re.compile(
    r"[^\W\d\u3040-\u9fff][^\W\u3040-\u9fff]*"
    r"|(?P<iso>(?<![\d./-])\d{4}(?:([-/])\d{1,2}(?:\2\d{1,2})?|\.\d{1,2}\.\d{1,2})(?!\d|[-/.]\d))"
    r"|(?P<dmy>(?<![\d./-])\d{1,2}([/.])\d{1,2}\4\d{4}(?!\d|[-/.]\d))"
    r"|(?P<cjk>(?:\d{4}\s?年\s?)?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?|\d{4}\s?年)"
    r"|\d+(?:[.:]\d+|,\d{3}(?!\d))+"
    r"|[^\W\u3040-\u9fff]+|['’]s\b|[^\s]"
)
_SUFFIX = re.compile(r"(\d+)(?:st|nd|rd|th)?")
_DIGITS = re.compile(r"\d+")


def may_tell_time(lowered: str) -> bool:
    """A cheap look, to which most questions say no."""
    return _ANCHOR.search(lowered) is not None


def words(lowered: str) -> Sequence[Word]:
    """All words of a text in lower letters."""
    found: list[Word] = []
    known, make = _VOCABULARY.get, Word._make
    for match in _WORD.finditer(lowered):
        text = match.group()
        kind, value = known(text, _OTHER)
        if kind == "x" and text[0].isdecimal():
            kind, value = _dated(match) if match.lastgroup else _numbered(text)
        found.append(make((kind, value, *match.span())))
    return found


def _numbered(text: str) -> tuple[str, Value]:
    match = _SUFFIX.fullmatch(text)
    number = int(match[1]) if match and len(match[1]) <= len(str(_LARGEST)) else 0
    if not match or not number:
        return _OTHER
    if match[1] != text:
        return ("o", number) if number <= _LAST_DAY else _OTHER
    if number <= _LAST_DAY:
        return "d", number
    return ("y" if number in _YEARS and len(text) == len("2000") else "#"), number


def _dated(match: re.Match[str]) -> tuple[str, Value]:
    numbers = [int(number) for number in _DIGITS.findall(match.group())]
    if match.lastgroup == "iso":
        found = _calendar(numbers[0], numbers[1], *numbers[2:])
    elif match.lastgroup == "dmy":
        first, second, year = numbers
        found = {*_calendar(year, second, first)}
        if "/" in match.group():
            found |= {*_calendar(year, first, second)}
        found = tuple(sorted(found))
    else:
        year = numbers.pop(0) if "年" in match.group() else None
        found = _calendar(year, *numbers) if numbers else (months(year, 1, 12),)
    return ("I", found) if found else _OTHER


def _calendar(year: int | None, number: int, in_month: int | None = None) -> tuple[Period, ...]:
    if year == 0 or not 1 <= number <= date.max.month:
        return ()
    if in_month is None:
        return (months(year, number),)
    found = day(year, number, in_month)
    return () if found is None else (found,)
