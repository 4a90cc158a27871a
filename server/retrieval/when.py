"""The times that a question speaks of, as soft constraints on when a memory was told.

Each word becomes one letter (`calendar_words.py`); a first set of rules over these letters finds dates,
months, seasons and what is relative to now (`calendar_dates.py`); a second one what is said of them:
ranges, parts, "two weeks before" (`calendar_phrases.py`). A month without a year is that of every year.

Made for English, with ISO and numeric dates of any language. The parsers of dates that there are take
some 100 ms for a question (they try many languages and formats); this takes some 50 us, and 5 for a
question that tells no time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .calendar_dates import Reading
from .calendar_phrases import Phrase, phrases
from .calendar_words import may_tell_time, words
from .periods import Period

__all__ = ["Times", "times"]

_FIRST = 2000
"""Characters that are looked at."""
_EARLIER, _LATER = 3.0, 14.0
"""Days before and after a period in which what was told still counts, falling to 0: days are told in
other zones of time, plans a little before and events a while after. Of the evidence for dated questions
93 % is inside, and most of the rest is this near."""
_DAY = 86_400_000_000
"""In microseconds."""
_EPOCH = datetime(1970, 1, 1).toordinal()
_LAST = datetime.max.toordinal()
_MOST_YEARS = 200

_TIDY = (
    (re.compile(r"\(\s*\)"), " "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"\s+(?=[,.?!;:])"), ""),
    (re.compile(r",+(?=[,.?!;:]|$)"), ""),
    (re.compile(r"^[\s,;:.]+"), ""),
)


@dataclass(frozen=True, slots=True)
class Times:
    """All times of a text."""

    spans: tuple[Phrase, ...] = ()

    def without(self, text: str) -> str:
        """The text without its dates and what would dangle; memories do not repeat them.

        What they do repeat, such as "last summer", stays.
        """
        cut = [span for span in self.spans if not span.repeated]
        if not cut:
            return text
        for span in reversed(cut):
            text = f"{text[: span.start]} {text[span.stop :]}"
        for pattern, instead in _TIDY:
            text = pattern.sub(instead, text)
        return text.strip()

    def inside(self, moments: NDArray[np.int64]) -> NDArray[np.float32]:
        """How much each moment, in microseconds since 1970, falls into one of the times, in [0, 1]."""
        if not self.spans or not len(moments):
            return np.zeros(len(moments), np.float32)
        years = np.unique(moments.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64))
        found = self._concrete((years + 1970).tolist())
        if not found:
            return np.zeros(len(moments), np.float32)
        starts, ends, strengths = (
            np.array([one[column] for one in found], np.float64)[:, None] for column in (0, 1, 3)
        )
        days = moments / _DAY + _EPOCH
        away = np.maximum((starts - days) / _EARLIER, (days - ends) / _LATER).clip(0, 1)
        return (strengths * (1 - away)).max(axis=0).astype(np.float32)

    def ranges(self, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
        """The periods from start to before end that touch the time from first to last, in order.

        Those of every year are there once for each year; what overlaps is one.
        """
        years = range(first.year, last.year + 1)[-_MOST_YEARS:]
        begin, finish = _day_of(first), _day_of(last) + 1
        merged: list[tuple[int, int]] = []
        for period in sorted(self._concrete(years)):
            start, end = max(period.start, begin), min(period.end, finish)
            if start >= end:
                continue
            if merged and start <= merged[-1][1]:
                start, end = merged[-1][0], max(end, merged.pop()[1])
            merged.append((start, end))
        return [(_moment(start), _moment(end)) for start, end in merged]

    def _concrete(self, years: Sequence[int]) -> list[Period]:
        """The periods of these years."""
        near = sorted({at for year in years for at in (year - 1, year, year + 1)})
        found: list[Period] = []
        for period in (one for span in self.spans for one in span.periods):
            each = (period.in_year(year) for year in near) if period.yearly else (period,)
            found.extend(one for one in each if one is not None)
        return found


def times(text: str, now: datetime) -> Times:
    """The times that a text speaks of; those relative to now are of the calendar of UTC."""
    lowered = text[:_FIRST].replace("İ", "I").lower()
    if not may_tell_time(lowered):
        return Times()
    today = _day_of(now)
    return Times(tuple(phrases(Reading(text, words(lowered), today), today)))


def _day_of(moment: datetime) -> int:
    """In UTC, which a moment at either end of all time need not have."""
    offset = moment.utcoffset() or timedelta()
    days = (moment.replace(tzinfo=None) - datetime.min - offset) // timedelta(days=1)
    return min(max(days + 1, 1), _LAST)


def _moment(number: int) -> datetime:
    return datetime.fromordinal(min(number, _LAST)).replace(tzinfo=UTC)
