"""The part of a long memory that a question is about, cut at sentences and marked where it was cut."""

import re
from collections.abc import Callable, Sequence

from .relevance import Term, coverage

__all__ = ["excerpt"]

_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|[。！？]|\n|$)", re.DOTALL)
_CUT = "…"
_SENTENCES = 2000
"""That are looked at: the first ones."""
_SHORTEST = 20
"""Characters below which an excerpt says nothing."""


def excerpt(text: str, terms: Sequence[Term], fits: Callable[[str], bool]) -> str | None:
    """The sentence with most of the terms and as many beside it as fit; part of it if it does not fit
    itself. None if next to nothing fits.

    `fits` is asked about the excerpt as it will be shown: `… text …`.
    """
    spans = [found.span() for found in _SENTENCE.finditer(text)][:_SENTENCES]
    if not spans:
        return None
    shares = [coverage(terms, text[start:stop]) for start, stop in spans]
    first = last = shares.index(max(shares))
    if not fits(_marked(text, *spans[first])):
        return _part(text, *spans[first], fits)
    # What follows explains more often than what goes before.
    while last + 1 < len(spans) and fits(_marked(text, spans[first][0], spans[last + 1][1])):
        last += 1
    while first and fits(_marked(text, spans[first - 1][0], spans[last][1])):
        first -= 1
    return _marked(text, spans[first][0], spans[last][1])


def _part(text: str, start: int, stop: int, fits: Callable[[str], bool]) -> str | None:
    """The longest beginning that fits, at a word's end if there is one."""
    low, high = start, stop
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_marked(text, start, middle)):
            low = middle
        else:
            high = middle - 1
    space = text.rfind(" ", start, low)
    end = space if space - start > (low - start) // 2 else low
    return _marked(text, start, end) if end - start >= _SHORTEST else None


def _marked(text: str, start: int, stop: int) -> str:
    before = f"{_CUT} " if text[:start].strip() else ""
    after = f" {_CUT}" if text[stop:].strip() else ""
    return f"{before}{text[start:stop].strip()}{after}"
