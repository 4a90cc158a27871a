"""Whether a word is rather a name or a common word, from the table of tokens.

Byte-pair merges are made in the order of their frequency (Sennrich, Haddow and Birch, "Neural Machine
Translation of Rare Words with Subword Units", 2016), so a token's rank says how often it was met. If
` Paris` has a lower rank than ` paris`, the word is mostly written with a capital: it leans to a name.
Nothing else in the product knows so many words, and the table is there anyway.
"""

import math
from collections.abc import Callable
from functools import lru_cache

__all__ = ["Leaning"]

_BEYOND = 400_000
"""Stands for the rank of what has none: twice the table."""
_KNOWN = 65_536
"""Words that are kept."""

Rank = Callable[[str], int | None]


class Leaning:
    """How words lean. `rank` gives a token's rank, None where it is no single token."""

    __slots__ = ("_of", "_rank")

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._of = lru_cache(_KNOWN)(self._look_up)

    def of(self, word: str) -> float | None:
        """Above 0: written with a capital more often than without; None: too rare to say."""
        return self._of(word)

    def _look_up(self, word: str) -> float | None:
        lower = self._rank(f" {word.lower()}")
        upper = self._rank(f" {word[:1].upper()}{word[1:].lower()}")
        if lower is None and upper is None:
            return None
        return math.log((lower or _BEYOND) / (upper or _BEYOND))
