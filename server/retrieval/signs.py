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
_TIME = re.compile(
    r"\b(?:(?:yester|to)day|tomorrow|tonight|last|next|ago|since|morning|evening|weekends?|weeks?"
    r"|months?|years?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may"
    r"|june|july|august|september|october|november|december|(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|once|twice|several|couple|few)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"^\W*when\b|\b(?:what|which)\s+(?:day|date|week|month|year|time)\b|\bhow long ago\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\bhow\s+(?:many|much|long|often|old|far|big|tall)\b", re.IGNORECASE)


def signs_of(text: str) -> int:
    """The signs of a memory, as bits."""
    text = text[:_FIRST].rstrip()
    found = ASKS if text.endswith(_QUESTION) else 0
    found |= TIMES if _TIME.search(text) else 0
    return found | (NUMBERS if _NUMBER.search(text) else 0)


def wanted_signs(question: str) -> int:
    """The signs that an answer to this should have, as bits."""
    question = question[:_FIRST]
    found = TIMES if _WHEN.search(question) else 0
    return found | (NUMBERS if _HOW_MANY.search(question) else 0)
