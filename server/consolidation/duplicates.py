"""Statements that were said twice in nearly the same words.

No cosine tells a repetition from an update: facts that supersede each other are as near as
paraphrases. So two are the same only if their words are, in their order, but for case, spacing,
punctuation around words and articles; what else is kept of them must not differ either. The vectors
then have to agree: they are a check, not a reason.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Kind, Memory

__all__ = ["Statement", "groups_of", "same", "statement_of"]

_WORD = re.compile(r"[^\W_]+(?:[^\w\s][^\W_]+)*|[^\w\s]", re.UNICODE)
_ENDS = frozenset(".,;:!…\"'“”‘’()")
"""Punctuation that says nothing beside a word. A question mark, a sign or a currency does."""
_ARTICLES = frozenset(("a", "an", "the"))
_COSINE = 0.95


class Statement(NamedTuple):
    """A memory as far as repetition is concerned. The later of two equal ones sorts last."""

    gist: bytes
    at: float
    seq: int
    id: str
    pinned: bool
    labels: frozenset[str]
    """Tags, entities and metadata: what a filter may ask for."""
    importance: float


def statement_of(seq: int, memory: Memory) -> Statement | None:
    """None for what is never merged: an episode happens twice, a reminder ends."""
    words = _words(memory.content)
    if memory.kind is Kind.EPISODIC or memory.valid_until is not None or not words:
        return None
    # A date that was given makes it a statement about that day, which another day's does not repeat.
    dated = memory.valid_from != memory.remembered_at
    about = [memory.namespace, memory.kind, memory.speaker, memory.source]
    said = json.dumps([*about, memory.valid_from.isoformat() if dated else None, words])
    labels = [("tag", one) for one in memory.tags] + [("entity", one) for one in memory.entities]
    labels += [(name, str(value)) for name, value in memory.metadata.items()]
    return Statement(
        gist=hashlib.blake2b(said.encode(), digest_size=16).digest(),
        at=memory.valid_from.timestamp(),
        seq=seq,
        id=memory.id,
        pinned=memory.pinned,
        labels=frozenset(json.dumps(one) for one in labels),
        importance=memory.importance or 0.0,
    )


def groups_of(statements: Iterable[Statement]) -> list[tuple[Statement, list[Statement]]]:
    """Which statement stays, and which it stands for: the newest, for those that it covers. What is
    pinned stands for others, and no other for it."""
    ordered = sorted(statements)
    groups: list[tuple[Statement, list[Statement]]] = []
    start = 0
    for place in range(1, len(ordered) + 1):
        if place < len(ordered) and ordered[place].gist == ordered[start].gist:
            continue
        keeper = ordered[place - 1]
        olds = [one for one in ordered[start : place - 1] if _covers(keeper, one)]
        if olds:
            groups.append((keeper, olds))
        start = place
    return groups


def same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether the passages of two texts, shape (n, dimension), mean the same one by one."""
    return (
        one.shape == other.shape and len(one) > 0 and bool(np.all((one * other).sum(1) >= _COSINE))
    )


def _covers(keeper: Statement, old: Statement) -> bool:
    return not old.pinned and old.labels <= keeper.labels and old.importance <= keeper.importance


def _words(text: str) -> list[str]:
    """Numbers, signs and question marks stay: "3.5" is not "35", "-5" not "5"."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word for word in _WORD.findall(folded) if word not in _ENDS and word not in _ARTICLES]
