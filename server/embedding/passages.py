"""Cuts a text into passages that a model can read.

Measured (a sentence somewhere in a text of 240 to 963 tokens, recall@10): passages of 60 to 126
tokens find it about twice as often as one vector of the text's beginning.

A text of at most `WHOLE` tokens stays whole. A longer one is cut into passages of at most `PASSAGE`
tokens and about equal length, at sentence ends, else at word ends, else between tokens. Long texts
are looked at in parts of `REACH` code points, so the time is linear in their length.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .protocol import Span

__all__ = ["PASSAGE", "REACH", "WHOLE", "Tokenize", "cut", "fits", "parts", "readable"]

PASSAGE = 126
"""The most tokens of a passage of a text that is cut."""

WHOLE = 160
"""The most tokens of a text that stays whole: cutting it would leave two short passages."""

REACH = 4096
"""The most code points of a passage, and of what a tokenizer is given at once."""

Tokenize: TypeAlias = Callable[[str], Sequence[tuple[int, int]]]
"""The code points of each token of a text, special tokens left out."""

# The white space after a sentence, or a line's end. Each repetition is bounded or starts at a fixed
# character, so that no text makes the search quadratic.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]{0,3}\s+|(?<=[。！？])|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    """`text` with lone surrogates as U+FFFD, which tokenizers can read. As long as before."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def parts(text: str) -> Iterator[Span]:
    """`text` in parts of at most `REACH` code points, each cut on its own by `cut`.

    Parts end at a sentence's end where there is one in their second half, else at white space.
    """
    start = 0
    while len(text) - start > REACH:
        stop = _part_end(text, start)
        yield Span(start, stop)
        start = stop
    yield Span(start, len(text))


def _part_end(text: str, start: int) -> int:
    middle, limit = start + REACH // 2, start + REACH
    ends = [found.end() for found in _SENTENCE_END.finditer(text, middle, limit)]
    if ends:
        return ends[-1]
    return next((at for at in range(limit, middle, -1) if text[at - 1].isspace()), limit)


def fits(text: str, tokenize: Tokenize, room: int) -> bool:
    """Whether `text` stays whole."""
    return len(text) <= REACH and len(tokenize(readable(text))) <= min(WHOLE, room)


def cut(text: str, tokenize: Tokenize, room: int) -> list[Span]:
    """The passages of `text`, one of `parts`: each has at most `room` tokens, none is empty.

    Together they hold all that is not white space. No passage for a text of nothing else.
    """
    tokens = tokenize(readable(text))
    limit = min(PASSAGE, room)
    starts = [0, *_Cutter(text, tokens, limit).starts()] if len(tokens) > limit else [0]
    ends = [*starts[1:], len(text)]
    found = (_trim(text, start, stop) for start, stop in zip(starts, ends, strict=True))
    return [
        span
        for passage in found
        if passage.start < passage.stop
        for span in _fitting(text, passage, tokenize, room)
    ]


def _trim(text: str, start: int, stop: int) -> Span:
    passage = text[start:stop]
    start += len(passage) - len(passage.lstrip())
    return Span(start, start + len(passage.strip()))


def _fitting(text: str, span: Span, tokenize: Tokenize, room: int) -> Iterator[Span]:
    """`span`, halved until it fits: cut out of its word, a passage may have more tokens."""
    start, stop = span
    if stop - start == 1 or len(tokenize(readable(text[start:stop]))) <= room:
        yield span
        return
    middle = (start + stop) // 2
    for half in (_trim(text, start, middle), _trim(text, middle, stop)):
        if half.start < half.stop:
            yield from _fitting(text, half, tokenize, room)


@dataclass(frozen=True, slots=True)
class _Cutter:
    text: str
    tokens: Sequence[tuple[int, int]]
    limit: int

    def starts(self) -> Iterator[int]:
        """The code points at which the second and each further passage begins."""
        sentences = self._sentence_starts()
        at = 0
        while (left := len(self.tokens) - at) > self.limit:
            # Equal shares: a greedy cut would leave a short last passage.
            target = at + -(-left // -(-left // self.limit))
            window = range(at + max(1, self.limit // 4), at + self.limit + 1)
            at = self._best(sentences, window, target)
            yield self.tokens[at][0]

    def _sentence_starts(self) -> set[int]:
        """The tokens that begin a sentence."""
        begins = [start for start, _ in self.tokens]
        ends = (found.end() for found in _SENTENCE_END.finditer(self.text))
        return {bisect_left(begins, end) for end in ends}

    def _best(self, sentences: set[int], window: range, target: int) -> int:
        by_distance = sorted(window, key=lambda token: abs(token - target))
        for token in by_distance:
            if token in sentences:
                return token
        words = (token for token in by_distance if self._begins_word(token))
        return next(words, target)

    def _begins_word(self, token: int) -> bool:
        return self.tokens[token][0] > self.tokens[token - 1][1]
