"""Repeats in an answer: the same words, told again by the same speaker, are shown once.

Only the same words. No cosine is safe: facts that differ in one number are as near as paraphrases. And
what happened is told apart by its day: "I ran five kilometres." of ten days is ten runs.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ..model import Kind, Memory

__all__ = ["first_of_each"]

_NOISE = re.compile(r"[\W_]+")


class _Said(NamedTuple):
    words: str
    speaker: str | None
    day: date | None


def first_of_each(memories: Iterable[Memory]) -> list[bool]:
    """For each memory, whether none before it says the same."""
    seen: set[_Said] = set()
    kept: list[bool] = []
    for memory in memories:
        said = _said(memory)
        kept.append(said not in seen)
        seen.add(said)
    return kept


def _said(memory: Memory) -> _Said:
    words = _NOISE.sub(" ", memory.content.casefold()).strip() or memory.content
    happened = memory.kind is Kind.EPISODIC
    return _Said(words, memory.speaker, memory.valid_from.date() if happened else None)
