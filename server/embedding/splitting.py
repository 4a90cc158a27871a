"""Cuts many texts into passages on worker threads."""

from collections.abc import Sequence
from functools import partial

from .passages import REACH, WHOLE, Tokenize, cut, fits, parts
from .protocol import Span
from .runners import Runners

__all__ = ["split_all"]


async def split_all(
    texts: Sequence[str], tokenize: Tokenize, room: int, runners: Runners
) -> list[list[Span]]:
    """The passages of each text, at least one, none of more than `room` tokens."""
    short = min(WHOLE, room)
    # No token of an ASCII text is less than a character: such short ones need no look.
    if all(len(text) <= short and text.isascii() for text in texts):
        return [[Span(0, len(text))] for text in texts]
    if all(len(text) <= REACH for text in texts):
        found = [[Span(0, len(text))] for text in texts]
    else:
        found = await runners.each(_parts, texts)
    jobs = [(text, part) for text, cuts in zip(texts, found, strict=True) for part in cuts]
    spans = iter(await runners.each(partial(_passages, tokenize, room), jobs))
    joined = [[span for _ in cuts for span in next(spans)] for cuts in found]
    return [passages or [Span(0, 0)] for passages in joined]


def _parts(text: str) -> list[Span]:
    return list(parts(text))


def _passages(tokenize: Tokenize, room: int, job: tuple[str, Span]) -> list[Span]:
    text, part = job
    if part == (0, len(text)) and fits(text, tokenize, room):
        return [part]
    found = cut(text[part.start : part.stop], tokenize, room)
    return [Span(part.start + span.start, part.start + span.stop) for span in found]
