"""Names that are known by how they are written: capitals, and how the words lean.

A run of words is a name if one of them is written with a capital where a common word would not be, or
leans to a name so clearly that a capital is not needed (`obama`). At the beginning of a sentence, and
where all is written with capitals, a capital says less, so the word itself must lean.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .leaning import Leaning
from .lexicon import given_names, inside, never, places, technology

__all__ = ["Name", "names"]

_TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:['’][a-z]+\b|[-&][^\W_]+)*|\d+(?:[.,]\d+)*|[^\w\s]")
_ENDS = frozenset('.!?:;"“”()[]…•*\u2013\u2014')
_JOINS = frozenset(("of", "de", "del", "la", "van", "von", "der", "di", "da"))
_MIDDLE, _FIRST, _SMALL = -0.9, 0.5, 1.3
"""What a word must lean: in a sentence, at its beginning, and without a capital."""
_SMALLEST = 3
_SHOUTED = 4
_MOSTLY = 0.75
_ACRONYM = 5
_ACTS = frozenset(
    [
        "works",
        "worked",
        "likes",
        "liked",
        "prefers",
        "preferred",
        "lives",
        "lived",
        "said",
        "says",
        "told",
        "thinks",
        "thought",
        "wants",
        "wanted",
        "loves",
        "loved",
        "hates",
        "joined",
        "moved",
        "met",
        "called",
        "asked",
        "wrote",
        "owns",
        "plays",
        "leads",
        "manages",
        "studies",
        "enjoys",
        "left",
        "agreed",
        "no",
        "also",
        "still",
    ]
)
"""Verbs before which a sentence's first word is somebody's name."""
_ACTED = -3.0
_CLEAR, _PERHAPS, _NOT = 2, 1, 0


class Name(NamedTuple):
    """A run of words that is a name."""

    start: int
    stop: int
    words: tuple[str, ...]
    before: str
    """The two words before it, lower case."""
    after: str
    """The two after it."""


class _Token(NamedTuple):
    start: int
    stop: int
    text: str


class _Style(NamedTuple):
    """How a text uses capitals."""

    shouting: bool
    titled: bool


def names(text: str, leaning: Leaning, known: frozenset[str] = frozenset()) -> list[Name]:
    """The names in a text, by place. Words in `known`, lower case, are taken for names."""
    tokens = [_Token(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text)]
    marks = _marks(tokens, leaning, known)
    return [_name(text, tokens, first, last) for first, last in _runs(tokens, marks)]


def _marks(tokens: Sequence[_Token], leaning: Leaning, known: frozenset[str]) -> list[int]:
    style = _style(tokens)
    marks: list[int] = []
    first = True
    for place, token in enumerate(tokens):
        attached = place > 0 and tokens[place - 1].text in "@#" and _touch(tokens, place)
        mark = _mark(token.text, style, leaning, first=first, known=known)
        if mark != _CLEAR and first and _acts(tokens, place, leaning):
            mark = _CLEAR
        marks.append(_NOT if attached else mark)
        first = token.text in _ENDS or (first and not token.text[0].isalnum())
    return marks


def _acts(tokens: Sequence[_Token], place: int, leaning: Leaning) -> bool:
    """Whether a sentence begins with somebody who does something."""
    word = tokens[place].text
    if len(word) < _SMALLEST or not word[0].isupper() or word.lower() in never():
        return False
    following = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return following in _ACTS and (leaning.of(word) or 0.0) > _ACTED


def _style(tokens: Sequence[_Token]) -> _Style:
    words = [t.text for t in tokens if len(t.text) > 1 and t.text[0].isalpha()]
    if len(words) < _SHOUTED:
        return _Style(shouting=False, titled=False)
    loud = sum(word.isupper() for word in words)
    big = sum(word[0].isupper() for word in words)
    return _Style(loud >= _MOSTLY * len(words), big >= _MOSTLY * len(words))


def _mark(word: str, style: _Style, leaning: Leaning, *, first: bool, known: frozenset[str]) -> int:
    if not word[0].isalpha() or len(word) < 2:
        return _NOT
    low = word.lower().split("'")[0].split("’")[0]
    if low in never() or word.lower() in never():
        return _NOT
    if low in inside():
        return _PERHAPS if word[0].isupper() and not (style.shouting and word.isupper()) else _NOT
    if low in known:
        return _CLEAR
    lean = leaning.of(low)
    if not word[0].isupper() or (style.shouting and word.isupper()):
        return _CLEAR if lean is not None and lean > _SMALL and len(low) >= _SMALLEST else _NOT
    if low in given_names() or low in places():
        return _CLEAR
    if lean is None:
        return _CLEAR
    if lean > (_FIRST if first or style.titled else _MIDDLE):
        return _CLEAR
    if word.isupper():
        return _CLEAR if len(word) <= _ACRONYM and lean > -1.5 and not first else _NOT
    return _NOT if style.titled or (first and lean <= _MIDDLE) else _PERHAPS


def _runs(tokens: Sequence[_Token], marks: Sequence[int]) -> Iterator[tuple[int, int]]:
    place = 0
    while place < len(tokens):
        if marks[place] == _NOT:
            place += 1
            continue
        last = place
        while (step := _further(tokens, marks, last)) > 0:
            last += step
        if any(mark == _CLEAR for mark in marks[place : last + 1]):
            yield place, last
        place = last + 1


def _further(tokens: Sequence[_Token], marks: Sequence[int], last: int) -> int:
    """How many tokens the run grows by."""
    if last + 1 >= len(tokens) or tokens[last + 1].start - tokens[last].stop > 1:
        return 0
    if tokens[last].text.endswith(("'s", "’s")):
        return 0
    following = tokens[last + 1]
    if marks[last + 1] != _NOT:
        both_known = (
            tokens[last].text.lower() in technology() and following.text.lower() in technology()
        )
        return 0 if both_known else 1
    if following.text.lower() in _JOINS and last + 2 < len(tokens):
        return 2 if marks[last + 2] == _CLEAR and tokens[last + 2].text[0].isupper() else 0
    return 1 if following.text.isdigit() and len(following.text) < 3 else 0


def _name(text: str, tokens: Sequence[_Token], first: int, last: int) -> Name:
    stop = tokens[last].stop
    for ending in ("'s", "’s"):
        if text[tokens[first].start : stop].endswith(ending):
            stop -= len(ending)
    words = tuple(text[tokens[first].start : stop].split())
    before = " ".join(t.text.lower() for t in tokens[max(0, first - 2) : first])
    after = " ".join(t.text.lower() for t in tokens[last + 1 : last + 3])
    if text[stop : tokens[last].stop]:
        after = f"'s {after}"
    return Name(tokens[first].start, stop, words, before, after)


def _touch(tokens: Sequence[_Token], place: int) -> bool:
    return tokens[place - 1].stop == tokens[place].start
