"""A memory's keywords and its one-line context, as A-MEM gives each note (Xu et al., "A-MEM: Agentic Memory
for LLM Agents", 2025), but without a language model.

Keywords are the names, then the rarest words, by their places in the table of tokens. The context says
who speaks, of whom and what, in one line.
"""

import re
from collections.abc import Callable, Sequence

from ..model import EntityType
from .protocol import Found

__all__ = ["context", "keywords"]

_WORD = re.compile(r"[^\W\d_]{4,}")
_KEYWORDS = 6
_RARE = 10_000
"""Rank from which a word says something: the commonest few thousand are in every text."""
_LONGEST = 160
_VALUES = frozenset((EntityType.DATE, EntityType.AMOUNT, EntityType.VERSION, EntityType.ID))
_BEYOND = 400_000

Rank = Callable[[str], int | None]


def keywords(text: str, found: Sequence[Found], rank: Rank) -> tuple[str, ...]:
    """Up to six: names first, then words from the rarest on; each but once."""
    names = [one.name for one in found if one.type not in _VALUES]
    taken = {word.lower() for one in found for word in _WORD.findall(one.name)}
    words: dict[str, int] = {}
    for match in _WORD.finditer(text[:5000]):
        word = match.group().lower()
        place = rank(f" {word}") or _BEYOND
        if word not in taken and place >= _RARE:
            words.setdefault(word, place)
    rarest = sorted(words, key=lambda word: (-words[word], word))
    return tuple(dict.fromkeys([*names, *rarest]))[:_KEYWORDS]


def context(speaker: str | None, about: Sequence[str], words: Sequence[str]) -> str:
    """One line: who speaks, of what, in which words."""
    who = f"{speaker}: " if speaker else ""
    names = ", ".join(dict.fromkeys(about))
    rest = ", ".join(word for word in words if word not in about)
    line = who + "; ".join(part for part in (names, rest) if part)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
