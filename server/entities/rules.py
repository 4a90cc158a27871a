"""The extractor that Loci comes with: shapes first, then technologies, then names."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pygments.lexers import get_all_lexers

from ..model import EntityType
from .leaning import Leaning
from .lexicon import given_names, inside, never, ordinary, places, technology
from .names import names
from .protocol import Found
from .shapes import shaped, without_runs
from .sorts import sort_of

__all__ = ["RuleExtractor"]

_IDENTITY: Final = "rules-2"
_LONGEST = 20_000
"""Characters that are looked at: beyond, a memory is a document, and no statement."""
_TERM = re.compile(r"(?<![\w$@/\\.\-])\.?[A-Za-z][\w.]*(?:\+\+|#)?(?![\w/\\]|-[a-z])")
_PART = re.compile(
    r"\b(?:the|our) ((?:[a-z][a-z\-]+ ){1,2}(?:service|server|database|api|team|app|repo|repository|pipeline|cluster|module|"
    r"library|project|website|build|dashboard|frontend|backend))\b",
    re.IGNORECASE,
)
"""What is named by its work: `the billing service`."""
_USER = re.compile(
    r"\buser(?=['’]s (?!interface|guide|manual|agent)|(?:,| also| really)? (?:prefers?|likes?|loves?|hates?|dislikes?|wants?|works?|"
    r"lives?|uses?|owns?|is|has|said|asked|told|mentioned|moved|speaks?|enjoys?|plans?|needs?|does|no longer)\b)",
    re.IGNORECASE,
)
"""Whom agents speak of as `the user`."""
_COMMON = 0.0
"""Languages that lean below this are common words (`Go`, `Make`)."""


class RuleExtractor:
    """Deterministic rules over shapes, spelling and words. This room's docstring says which."""

    def __init__(self, rank: Callable[[str], int | None]) -> None:
        """`rank` gives a token's place in the table of tokens."""
        self._leaning = Leaning(rank)
        self._languages: frozenset[str] = frozenset()

    @property
    def identity(self) -> str:
        """Of these rules."""
        return _IDENTITY

    def load(self) -> None:
        """Read the words."""
        if not self._languages:
            for words in (given_names, places, never, inside, technology, ordinary):
                words()
            self._languages = _languages()

    def extract(self, texts: Sequence[str]) -> list[list[Found]]:
        """For each text its names, by place; none overlaps another."""
        self.load()
        return [self._extract(text[:_LONGEST]) for text in texts]

    def _extract(self, text: str) -> list[Found]:
        plain = without_runs(text)
        terms = list(self._terms(plain))
        taken = bytearray(len(text))
        return sorted(one for one in self._all(text, plain, terms) if _take(taken, one))

    def _all(self, text: str, plain: str, terms: Sequence[Found]) -> Iterator[Found]:
        yield from shaped(text, plain)
        yield from (term for term in terms if not term.name.isalnum())
        yield from self._names(plain)
        yield from terms
        for match in _USER.finditer(plain):
            yield Found(*match.span(), EntityType.PERSON, match.group())
        for match in _PART.finditer(plain):
            yield Found(*match.span(1), EntityType.PROJECT, match.group(1))

    def _terms(self, text: str) -> Iterator[Found]:
        for match in _TERM.finditer(text):
            word = match.group().rstrip(".")
            sort = self._technology(word)
            if (
                sort is None
                and word in self._languages
                and not self._opens(text, match.start(), word)
            ):
                sort = EntityType.PRODUCT
            if sort is not None:
                yield Found(match.start(), match.start() + len(word), sort, word)

    def _technology(self, word: str) -> EntityType | None:
        low = word.lower()
        return None if word == low and low in ordinary() else technology().get(low)

    def _opens(self, text: str, place: int, word: str) -> bool:
        """Whether it may have its capital from opening a sentence."""
        before = text[:place].rstrip()
        opens = not before or before[-1] in ".!?:;"
        return opens and (self._leaning.of(word) or 0.0) < _COMMON

    def _names(self, text: str) -> Iterator[Found]:
        for name in names(text, self._leaning):
            words = name.words
            stop = name.stop
            if words[-1].isdigit() and words[0].lower() in technology():
                start = stop - len(words[-1])
                yield Found(start, stop, EntityType.VERSION, words[-1])
                stop = len(text[:start].rstrip())
            yield Found(name.start, stop, sort_of(name), text[name.start : stop])


def _take(taken: bytearray, one: Found) -> bool:
    """Mark its characters, unless one of them is taken already."""
    if one.start >= one.stop or any(taken[one.start : one.stop]):
        return False
    taken[one.start : one.stop] = b"\1" * (one.stop - one.start)
    return True


def _languages() -> frozenset[str]:
    """Programming and markup languages as their makers write them, by Pygments."""
    names = (name for name, *_ in get_all_lexers(plugins=False))
    return frozenset(name for name in names if " " not in name and len(name) > 1)
