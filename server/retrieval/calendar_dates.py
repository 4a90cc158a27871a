"""The times that stand in a question by themselves: dates, months, seasons, holidays, "last week".

The rules are regular expressions over the kinds of its words, `calendar_words.py`. Some of these words
have other meanings: months are people's names, `may` and `march` are verbs, a fall is an accident. They
are times where a day or a year stands with them, or a word like `in` or `since` before them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from . import periods
from .calendar_words import HOLIDAYS, NAMES, Word
from .periods import Period

__all__ = ["Dated", "Reading", "rules"]

_IN = "isubaFP"
"""Kinds before what is a time there, even if it has other meanings."""
_MONTH = r"(?:M|m\.?)"
_YEAR = r"(?:,?F?y)?"
_WEEKDAY = r"(?:[Ww]\.?,?T?)?"
_COUNT = r"(?:c?vF?|[cd#])?"
_DATE = r"T?[MmdoIQ]"


def rules(rules: Mapping[str, str]) -> str:
    """Alternatives by name, the first of which counts."""
    return "|".join(f"(?P<{name}>{rule})" for name, rule in rules.items())


_RULES = re.compile(
    # Most words are none of the first ones of a rule.
    r"(?=[^x,.\-])(?:"
    + rules(
        {
            "numeric": rf"{_WEEKDAY}I",
            "day_month": rf"{_WEEKDAY}T?[do](?:(?:[->&]|,&?)T?[do]){{0,8}}F?{_MONTH}{_YEAR}",
            "month_day": rf"{_WEEKDAY}{_MONTH}T?[do]"
            rf"(?:(?:[->]T?[do]|,?&?T?o)(?!F?[Mm])){{0,8}}{_YEAR}",
            "yearly": rf"[ltn](?:{_MONTH}(?!T?[do])|S|kE?)(?!,?F?y)",
            "month": rf"{_MONTH}{_YEAR}",
            "season": rf"S{_YEAR}",
            "quarter": rf"Q{_YEAR}",
            "holiday": rf"(?:eU'?[EU]|k[EU]?|K'?U){_YEAR}",
            "ago": rf"{_COUNT}Ug",
            "part_of_day": r"[lt]D",
            "weekday": rf"(?:[ltn]|(?<=O))W(?![ba]{_DATE})",
            "relative": rf"[ltn]{_COUNT}[Uh](?![Fba]{_DATE}|Fy)",
            "day": r"N",
            "year": r"Uy|(?<=[iFsuRBaPb])y|(?<=P-)y|(?<=y[->&])y",
        }
    )
    + ")"
)
_DATES = frozenset(("numeric", "day_month", "month_day", "month", "quarter", "year"))


class Dated(NamedTuple):
    """A time as it stands, and the words that it takes."""

    found: tuple[Period, ...]
    first: int
    last: int
    repeated: bool
    """Whether memories tell of it in these words, too."""


class _Match:
    """Words that look like a time, and what stands beside them."""

    __slots__ = ("ahead", "behind", "first", "kinds", "last", "rule", "words")

    def __init__(self, rule: str, first: int, last: int, kinds: str, words: Sequence[Word]) -> None:
        self.rule, self.first, self.last = rule, first, last
        self.kinds = kinds[first:last]
        self.words = words[first:last]
        self.behind = kinds[max(first - 2, 0) : first]
        self.ahead = words[last] if last < len(words) else None

    def number(self, kinds: str) -> int | None:
        """The first number among words of these kinds."""
        return next((n for k, n, *_ in self.words if k in kinds and isinstance(n, int)), None)

    def word(self, kinds: str) -> Word:
        """The first word of one of these kinds, which there is."""
        return next(word for word in self.words if word.kind in kinds)

    def count(self) -> int | None:
        """How many are told, as in "a few"."""
        return self.number("v") or self.number("cd#")

    @property
    def after_in(self) -> bool:
        return self.behind[-1:] in {*_IN} or self.behind == "P-"


class Reading:
    """One text, while it is read."""

    __slots__ = ("_text", "_today", "kinds", "words")

    def __init__(self, text: str, words: Sequence[Word], today: int) -> None:
        self._text = text
        self._today = today
        self.words = words
        self.kinds = "".join(word.kind for word in words)

    def dates(self) -> Iterator[Dated]:
        """The times that stand in the text, in its order."""
        before, place = 0, 0
        while (found := _RULES.search(self.kinds, place)) is not None:
            first, last = found.span()
            match = _Match(found.lastgroup or "", first, last, self.kinds, self.words)
            read = self._read(match, before)
            if read:
                yield Dated(read, first, last, match.rule not in _DATES)
                before = last
            place = last if read else first + 1

    def _read(self, match: _Match, before: int) -> tuple[Period, ...]:
        """The periods of what looks like a time, if it is one. Another one ends `before` it."""
        match match.rule:
            case "numeric":
                value = match.words[-1].value
                return value if isinstance(value, tuple) else ()
            case "day_month" | "month_day":
                return self._dates(match)
            case "month":
                one = self._month(match, before)
            case "year":
                one = _year(match, before)
            case "holiday":
                sure = match.kinds != "k" or match.after_in or match.behind[-1:] in {*"Op"}
                one = _holiday(match) if sure else None
            case "season":
                one = self._season(match)
            case "quarter":
                one = periods.months(match.number("y"), 3 * (match.number("Q") or 0) - 2, 3)
            case _:
                one = self._from_today(match)
        return () if one is None else (one,)

    def _from_today(self, match: _Match) -> Period | None:
        today = self._today
        match match.rule:
            case "yearly":
                return self._yearly(match)
            case "relative":
                return self._relative(match)
            case "ago":
                count, unit = match.count(), str(match.word("U").value)
                vague = "v" in match.kinds or not count
                return periods.ago(today, unit, count or 3, vague=vague)
            case "weekday":
                which = "last" if match.kinds == "W" else str(match.words[0].value)
                found = periods.weekday(today, match.number("W") or 0, which)
                return found._replace(strength=0.5) if match.kinds == "W" else found
            case "part_of_day":
                return Period(today - ("l" in match.kinds), today + 1)
            case _:
                start = today + (match.number("N") or 0)
                return Period(start, start + 1)

    def _dates(self, match: _Match) -> tuple[Period, ...]:
        number, year = match.number("Mm") or 0, match.number("y")
        told = year or "o" in match.kinds or match.after_in or match.behind[-1:] in {*"OBR"}
        if not (told or self._capital(match)):
            return ()
        found: list[Period] = []
        to = False
        for word in match.words:
            if isinstance(word.value, int) and word.kind in "do":
                one = periods.day(year, number, word.value)
                if one is not None:
                    found.append(periods.join(found.pop(), one) if to and found else one)
                to = False
            to = to or word.kind in "->"
        return tuple(found)

    def _month(self, match: _Match, before: int) -> Period | None:
        number, year = match.number("Mm") or 0, match.number("y")
        if year or (match.kinds == "M" and number not in NAMES) or self._is_month(match, before):
            return periods.months(year, number)
        return None

    def _is_month(self, match: _Match, before: int) -> bool:
        """Whether a word is meant as a month that could be something else."""
        ahead = match.ahead.kind if match.ahead else ""
        if ahead == "'" or (match.ahead and match.ahead.value == "day"):
            return False
        behind = match.behind[-1:]
        if match.after_in or (behind in {*"->&u"} and before and before == match.first - 1):
            return True
        if match.kinds != "M" or not self._capital(match):
            return False
        between = behind in {*"RB"} and ahead in {*"->&u"}
        march = match.number("M") == 3 and behind not in {*".'&", ""}
        return behind == "T" or between or march

    def _yearly(self, match: _Match) -> Period | None:
        which, word = str(match.words[0].value), match.words[1]
        if word.kind == "S":
            found = periods.months(None, match.number("S") or 0, 3)
        elif word.kind == "k":
            found = _holiday(match)
        elif which == "this" and not self._capital(match):
            return None
        else:
            found = periods.months(None, match.number("Mm") or 0)
        return found and periods.nearest(found, self._today, which)

    def _season(self, match: _Match) -> Period | None:
        year, behind = match.number("y"), match.behind.removesuffix("T")[-1:]
        name = match.ahead is not None and self._text[match.ahead.start].isupper()
        if not year and (behind not in {*_IN} or name):
            return None
        return periods.months(year, match.number("S") or 0, 3)

    def _relative(self, match: _Match) -> Period | None:
        first, count = match.words[0], match.count()
        word, unit = self._lowered(first), str(match.word("Uh").value)
        the = match.behind[-1:] == "T"
        if count and word == "last" and match.behind[-1:] not in {*"Tip"}:
            return None  # how long did it last
        if not count and (unit == "day" or (the and word not in {"last", "past", "this"})):
            return None
        which = str(first.value)
        if count or (which == "last" and (the or word == "past")):
            return periods.rolling(self._today, which, unit, count or 1)
        return periods.relative(self._today, which, unit)

    def _lowered(self, word: Word) -> str:
        return self._text[word.start : word.stop].lower()

    def _capital(self, match: _Match) -> bool:
        """Whether a month is written with a capital letter, or could be nothing else."""
        word = match.word("Mm")
        return word.value not in NAMES or self._text[word.start].isupper()


def _year(match: _Match, before: int) -> Period | None:
    if match.behind[-1:] in {*"->&"} and match.behind != "P-" and before != match.first - 1:
        return None
    if "U" in match.kinds and match.word("U").value != "year":
        return None
    return periods.months(match.number("y"), 1, 12)


def _holiday(match: _Match) -> Period | None:
    year, word = match.number("y"), match.word("keK").value
    unit = next((one.value for one in reversed(match.words) if one.kind in "EU"), "")
    if word == "new":
        if match.word("U").value != "year" or unit not in {"day", "eve"}:
            return None
        return periods.day(year, 12, 31) if unit == "eve" else periods.day(year, 1, 1)
    if word == "valentine":
        return periods.day(year, 2, 14) if unit == "day" else None
    number, first, count = HOLIDAYS[str(word)]
    if count > 1 and unit in {"day", "eve"}:
        first, count = first + (unit == "day"), 1
    found = periods.day(year, number, first)
    return found and periods.stretch(found, "day", count - 1, before=False)
