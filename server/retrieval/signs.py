"""What a text shows at a glance: that it asks, or tells of times or numbers. Of memories, for the
ranking; and of questions, which signs their answers should have.

Words are English, digits are anybody's: where no word is known, nothing is raised and nothing lowered.
"""

import re

__all__ = ["ASKS", "NUMBERS", "TIMES", "signs_of", "wanted_signs"]

ASKS, TIMES, NUMBERS = 1, 2, 4
"""Bits: it is a question itself; it tells of times; it tells of numbers."""

_FIRST = 2000
"""Characters that are looked at."""
_QUESTION = ("?", "？", "؟")
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TIMES = frozenset(
    _WORD.findall(
        """today yesterday tomorrow tonight last next ago since morning evening weekend weekends week weeks
        month months year years monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday
        fridays saturday saturdays sunday sundays january february march april may june july august september
        october november december"""
    )
)
_NUMBERS = frozenset(
    _WORD.findall("one two three four five six seven eight nine ten once twice several couple few")
)
_WHEN = re.compile(
    r"^\W*when\b|\b(?:what|which)\s+(?:day|date|week|month|year|time)\b|\bhow long ago\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\bhow\s+(?:many|much|long|often|old|far|big|tall)\b", re.IGNORECASE)


def signs_of(text: str) -> int:
    """The signs of a memory, as bits."""
    text = text[:_FIRST].rstrip()
    # All memories are looked at when a tenant is first asked: sets are quicker than alternatives of a pattern.
    words, digit = _WORD.findall(text.lower()), _DIGIT.search(text)
    timed = not _TIMES.isdisjoint(words) or (digit and _YEAR.search(text))
    numbered = digit or not _NUMBERS.isdisjoint(words)
    found = ASKS if text.endswith(_QUESTION) else 0
    return found | (TIMES if timed else 0) | (NUMBERS if numbered else 0)


def wanted_signs(question: str) -> int:
    """The signs that an answer to this should have, as bits."""
    question = question[:_FIRST]
    found = TIMES if _WHEN.search(question) else 0
    return found | (NUMBERS if _HOW_MANY.search(question) else 0)
