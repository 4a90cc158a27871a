"""A summary of episodes by sentences of theirs: nothing is in it that was not said.

The sentences nearest to the mean of all are chosen, each as far as it says what the ones before do
not: centroid scores (Radev et al., "Centroid-based summarization of multiple documents", 2004) and
maximal marginal relevance (Carbonell and Goldstein, 1998).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sentence", "compose", "pick", "sentences_of"]

_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_SHORTEST, _LONGEST = 8, 400
"""Characters of a sentence that is taken."""
_MOST = 200
"""Sentences that are looked at."""
_CHOSEN = 5
_LENGTH = 700
"""Characters of all that are chosen."""
_NEWS = 0.4
"""How much counts what was not said before, against being near to all."""
_REPEATS = 0.9
"""Cosine from which a sentence says the same."""


class Sentence(NamedTuple):
    """Where it comes from, and what it says."""

    source: int
    """Place of the episode, in the order of time."""
    text: str


def sentences_of(texts: Sequence[str]) -> list[Sentence]:
    """The sentences of episodes, in the order of time, none twice."""
    found: dict[str, Sentence] = {}
    for source, text in enumerate(texts):
        for piece in _END.split(text):
            said = " ".join(piece.split())
            if _SHORTEST <= len(said) <= _LONGEST:
                found.setdefault(said.casefold(), Sentence(source, said))
    return list(found.values())[:_MOST]


def pick(sentences: Sequence[Sentence], vectors: NDArray[np.float32]) -> list[Sentence]:
    """A few that say the most, in the order of time. `vectors`, shape (n, dimension), are theirs."""
    mean = vectors.mean(0)
    central = vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9))
    said = np.zeros(len(sentences))
    chosen: list[int] = []
    length = 0
    while len(chosen) < _CHOSEN:
        fits = [length + len(one.text) <= _LENGTH for one in sentences]
        worth = np.where((said < _REPEATS) & fits, (1 - _NEWS) * central - _NEWS * said, -np.inf)
        worth[chosen] = -np.inf
        best = int(np.argmax(worth))
        if worth[best] == -np.inf:
            break
        chosen.append(best)
        length += len(sentences[best].text)
        said = np.maximum(said, vectors @ vectors[best])
    return [sentences[place] for place in sorted(chosen)]


def compose(chosen: Sequence[Sentence], count: int, first: datetime, last: datetime) -> str:
    """The summary's text: of how many episodes, of which days, and what they said."""
    begins, ends = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    days = begins if begins == ends else f"{begins} to {ends}"
    return f"{days}, {count} episodes: {' '.join(one.text for one in chosen)}"
