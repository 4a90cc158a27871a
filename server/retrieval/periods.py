"""Periods of whole days, in one calendar or in every year, and the arithmetic of calendars with them.

Days are numbered as `date.toordinal` does, so that no sum of days is ever out of range. A period of
every year stands in 2000, which is a leap year, and may reach into the years beside it.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

__all__ = [
    "ENDLESS",
    "Period",
    "ago",
    "around",
    "day",
    "join",
    "months",
    "nearest",
    "nth",
    "one_sided",
    "part",
    "relative",
    "rolling",
    "stretch",
    "weekday",
    "weekday_beside",
]

ENDLESS = 4_000_000
"""A day after all days."""

_EVERY = 2000
_SATURDAY = 5
_DAYS = {"day": 1, "week": 7, "weekend": 7, "month": 30, "quarter": 91, "year": 365}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PARTS = {
    "early": (0.0, 0.37),
    "mid": (0.29, 0.71),
    "late": (0.63, 1.0),
    "half 1": (0.0, 0.5),
    "half 2": (0.5, 1.0),
}
"""From where to where in a period; what is vague overlaps."""


class Period(NamedTuple):
    """Some days."""

    start: int
    end: int
    """The day after the last one."""
    yearly: bool = False
    strength: float = 1.0
    """How sure it is that these days are meant, at the most 1."""

    def in_year(self, year: int) -> "Period | None":
        """The same in one year, where there is such a time."""
        if not self.yearly:
            return self
        start, end = _moved(self.start, year), _moved(self.end, year)
        return self._replace(start=start, end=end, yearly=False) if start < end else None


def day(year: int | None, month: int, number: int) -> Period | None:
    """One day, or the same day of every year; None if the calendar has none such."""
    try:
        start = date(year or _EVERY, month, number).toordinal()
    except ValueError:
        return None
    return Period(start, start + 1, year is None)


def months(year: int | None, first: int, count: int = 1) -> Period:
    """So many months, or the same of every year."""
    at = year or _EVERY
    return Period(_first_of(at, first), _first_of(at, first + count), year is None)


def nearest(period: Period, today: int, which: str) -> Period:
    """The `last`, `this` or `next` one of what comes every year, as seen from today."""
    year = date.fromordinal(today).year
    found = [one for at in range(year - 2, year + 3) if (one := period.in_year(at)) is not None]
    past = [one for one in found if one.end <= today]
    coming = [one for one in found if one.start > today]
    if which == "this":
        return next((one for one in found if _year_of(one.start) >= year), period)
    chosen = past[-1:] if which == "last" else coming[:1]
    return chosen[0] if chosen else period


def relative(today: int, which: str, unit: str) -> Period:
    """The last, this or next week, month, quarter or year of the calendar, or weekend."""
    step = {"last": -1, "this": 0, "next": 1}[which]
    if unit in _MONTHS:
        now, size = date.fromordinal(today), _MONTHS[unit]
        first = (now.month - 1) // size * size + 1 + step * size
        return months(now.year, first, size)
    monday = today - (today - 1) % 7 + 7 * step
    return Period(monday + (_SATURDAY if unit == "weekend" else 0), monday + 7)


def rolling(today: int, which: str, unit: str, count: int) -> Period:
    """The last few weeks and the like up to today, or the next few."""
    length = count * _DAYS[unit]
    return (
        Period(today + 1, today + length + 1)
        if which == "next"
        else Period(today - length, today + 1)
    )


def ago(today: int, unit: str, count: int, *, vague: bool = False) -> Period:
    """So long ago: the longer the unit, the less exactly it is meant."""
    length = count * _DAYS[unit]
    fuzz = _DAYS[unit] // 2 + (length // 3 if vague else 0)
    return Period(today - length - fuzz, today - length + fuzz + 1)


def weekday(today: int, number: int, which: str) -> Period:
    """The last or next such day; Monday is 0."""
    behind = (today - 1 - number) % 7
    start = today + 7 - behind if which == "next" else today - (behind or 7)
    if which == "this":
        start = today - (today - 1) % 7 + number
    return Period(start, start + 1)


def stretch(period: Period, unit: str, count: int, *, before: bool) -> Period:
    """The weeks before a time, or after it, and that time too: then they are told of."""
    length = count * _DAYS[unit]
    if before:
        return period._replace(start=period.start - length)
    return period._replace(end=period.end + length)


def nth(period: Period, unit: str, number: int) -> Period:
    """The first, second... week of a month and the like; the last one is 0."""
    length = _DAYS[unit]
    start = period.start + (number - 1) * length if number else period.end - length
    return period._replace(start=start, end=start + length)


def weekday_beside(period: Period, number: int, *, before: bool) -> Period:
    """From such a day before a time, or to the one after it."""
    if before:
        return period._replace(start=period.start - 1 - (period.start - 2 - number) % 7)
    return period._replace(end=period.end + 1 + (number - period.end + 1) % 7)


def one_sided(period: Period, today: int, word: str) -> Period:
    """What is `since`, `after`, `before` or `until` a time; of one of every year, its latest."""
    if period.yearly:
        year = date.fromordinal(today).year
        begun = [one for one in _in(period, (year - 1, year)) if one.start <= today]
        period = begun[-1] if begun else nearest(period, today, "last")
    match word:
        case "since":
            return Period(period.start, ENDLESS)
        case "after":
            return Period(period.end, ENDLESS)
        case "before":
            return Period(1, period.start)
        case _:
            return Period(1, period.end)


def around(period: Period, unit: str) -> Period:
    """The week or weekend of a day."""
    monday = period.start - (period.start - 1) % 7
    if unit == "week":
        return period._replace(start=monday, end=monday + 7)
    if unit == "weekend":
        return period._replace(start=monday + 4, end=monday + 7)
    return period


def part(period: Period, name: str) -> Period:
    """The early, mid or late part of a period, or one half of it."""
    length = period.end - period.start
    first, last = _PARTS[name]
    return period._replace(
        start=period.start + int(first * length), end=period.start + max(1, round(last * length))
    )


def join(first: Period, last: Period) -> Period:
    """From the one to the other. A year of either is the other's, too."""
    if first.yearly and not last.yearly:
        year = _year_of(last.start)
        first = _latest(first, last.end, (year - 1, year)) or last
    elif last.yearly and (not first.yearly or last.end <= first.start):
        year = _year_of(first.start)
        last = _earliest(last, first.start, (year, year + 1)) or first
    return Period(first.start, max(first.end, last.end), first.yearly)


def _latest(period: Period, end: int, years: tuple[int, ...]) -> Period | None:
    return next((one for one in reversed(list(_in(period, years))) if one.start < end), None)


def _earliest(period: Period, start: int, years: tuple[int, ...]) -> Period | None:
    return next((one for one in _in(period, years) if one.end > start), None)


def _in(period: Period, years: tuple[int, ...]) -> Iterator[Period]:
    return (one for year in years if (one := period.in_year(year)) is not None)


def _first_of(year: int, month: int) -> int:
    """The first day of a month, which may be 0 or 13 and so on."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if year < date.min.year:
        return 1
    return date(year, month, 1).toordinal() if year <= date.max.year else ENDLESS


def _moved(number: int, year: int) -> int:
    """A day in another year than 2000; the 29th of February is the 1st of March in most of them."""
    if not 1 <= number <= date.max.toordinal():
        return number
    found = date.fromordinal(number)
    year += found.year - _EVERY
    if not date.min.year <= year <= date.max.year:
        return 1 if year < date.min.year else ENDLESS
    try:
        return found.replace(year=year).toordinal()
    except ValueError:
        return date(year, 3, 1).toordinal()


def _year_of(number: int) -> int:
    return date.fromordinal(min(max(number, 1), date.max.toordinal())).year
