"""The order of the candidates: a weighted sum of signals, each in [0, 1].

The two lists are fused by convex combination of normalised scores (Bruch, Gai and Ingber, "An Analysis of
Fusion Functions for Hybrid Retrieval", 2023): from a floor below which a score says nothing to the best
that was found, or for words to half of what the rarest word is worth, if that is more: the best by words
that are everywhere is no better than the others. The other signals say what no list can: who said it, when, what stands beside it in its
session, and whether it looks like an answer. The weights are the same for all data; `weights.json` says
what they were fitted on, and how.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .signs import ASKS
from .traits import Traits
from .weights import WEIGHTS

__all__ = ["Asked", "Candidates", "Ranked", "best_of", "least_words", "rank"]

_COSINE_FLOOR = 0.1
_RARE = 0.5
"""Of the worth of a word that one memory alone has: the least that full marks for words take."""
_USERS = ("user", "human")
_ASSISTANTS = ("assistant", "ai", "bot", "model")


class Candidates(NamedTuple):
    """Versions that may be of help, with their cosine and BM25: 0 where one has none."""

    seqs: NDArray[np.int64]
    cosines: NDArray[np.float64]
    bm25s: NDArray[np.float64]

    @classmethod
    def of(cls, cosines: Mapping[int, float], bm25s: Mapping[int, float]) -> "Candidates":
        """What two lists have, by seq."""
        by_words = [seq for seq in bm25s if seq not in cosines]
        seqs = [*cosines, *by_words]
        return cls(
            np.array(seqs, np.int64),
            np.array([*cosines.values(), *[0.0] * len(by_words)]),
            np.array([bm25s.get(seq, 0.0) for seq in seqs]),
        )

    def besides(self, seqs: Sequence[int]) -> "Candidates":
        """The same and others, which neither list has."""
        none = np.zeros(len(seqs))
        return Candidates(
            np.concatenate([self.seqs, np.array(seqs, np.int64)]),
            np.concatenate([self.cosines, none]),
            np.concatenate([self.bm25s, none]),
        )


class Asked(NamedTuple):
    """What a question says, as far as the ranking needs it, and what is to count."""

    people: frozenset[str]
    signs: int
    """That its answer should have."""
    inside: NDArray[np.float32]
    """For each candidate, how much it falls into the time that is asked for."""
    weights: NDArray[np.float64] = WEIGHTS
    least_words: float = 0.0
    """BM25 that full marks for words take at the least."""


class Ranked(NamedTuple):
    """Candidates, best first."""

    seqs: NDArray[np.int64]
    scores: NDArray[np.float64]
    signals: NDArray[np.float64]
    """Shape (candidates, signals): `weights.SIGNALS`."""
    cosines: NDArray[np.float64]
    """0 where one has none."""


def least_words(count: int) -> float:
    """`Asked.least_words` where there are so many memories: a part of what BM25 gives for a word that is in one of
    them, in a text of average length. (Full text counts what was replaced as well, which makes words rarer.)"""
    return _RARE * math.log(max(1.0, (count - 0.5) / 1.5))


def best_of(candidates: Candidates, least: float, count: int) -> NDArray[np.int64]:
    """The best by the two lists alone; `least` as `Asked.least_words`."""
    words = _scaled(candidates.bm25s, 0.0, least)
    base = _base(words, _scaled(candidates.cosines, _COSINE_FLOOR))
    return candidates.seqs[np.argsort(-base)[:count]]


def rank(candidates: Candidates, traits: Traits, places: NDArray[np.int64], asked: Asked) -> Ranked:
    """Order candidates, whose traits are at these places. Of equals, the newest comes first."""
    words = _scaled(candidates.bm25s, 0.0, asked.least_words)
    meaning = _scaled(candidates.cosines, _COSINE_FLOOR)
    base = _base(words, meaning)
    users = _users(traits)
    if users is None:
        neighbours = np.stack([traits.prev[places], traits.next[places]])
        before, after = _beside(neighbours, places, base)
    else:
        # An assistant's long answers say much of everything.
        before = after = np.zeros(len(places))
    asking = _has(traits.signs, traits.prev[places], ASKS)
    signals = np.stack(
        [
            words,
            meaning,
            _said_by(traits, places, _named(traits, asked.people)),
            asked.inside.astype(np.float64),
            _has(traits.signs, places, ASKS),
            np.maximum(before, after),
            before * asking,
            _has(traits.signs, places, asked.signs),
            _said_by(traits, places, users or ()),
        ],
        axis=1,
    )
    scores = signals @ asked.weights
    order = np.lexsort((-candidates.seqs, -scores))
    return Ranked(candidates.seqs[order], scores[order], signals[order], candidates.cosines[order])


def _base(words: NDArray[np.float64], meaning: NDArray[np.float64]) -> NDArray[np.float64]:
    share = WEIGHTS[:2] / WEIGHTS[:2].sum()
    return share[0] * words + share[1] * meaning


def _scaled(scores: NDArray[np.float64], floor: float, least: float = 0.0) -> NDArray[np.float64]:
    width = max(scores.max(initial=floor) - floor, least)
    return np.maximum(scores - floor, 0) / width if width > 0 else np.zeros(len(scores))


def _beside(
    neighbours: NDArray[np.int32], places: NDArray[np.int64], base: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The neighbours' base scores, in any shape; 0 where there is none, or it is no candidate."""
    order = np.argsort(places)
    at = np.searchsorted(places, neighbours, sorter=order)
    at[at == len(places)] = 0
    found = order[at]
    return np.where((neighbours >= 0) & (places[found] == neighbours), base[found], 0.0)


def _has(
    signs: NDArray[np.uint8], places: NDArray[np.signedinteger], wanted: int
) -> NDArray[np.float64]:
    return np.where(places >= 0, (signs[places] & wanted) > 0, 0.0).astype(np.float64)


def _said_by(
    traits: Traits, places: NDArray[np.int64], speakers: Sequence[int]
) -> NDArray[np.float64]:
    if not speakers:
        return np.zeros(len(places))
    return np.isin(traits.speaker[places], speakers).astype(np.float64)


def _named(traits: Traits, people: frozenset[str]) -> list[int]:
    """The numbers of people who speak; none where only one ever does, which says nothing."""
    if len(traits.speakers) < 2:
        return []
    return [traits.speakers[name] for name in people if name in traits.speakers]


def _users(traits: Traits) -> list[int] | None:
    """The users' numbers; None where no assistant speaks."""
    speakers = {name.casefold(): number for name, number in traits.speakers.items()}
    if not any(name in speakers for name in _ASSISTANTS):
        return None
    return [speakers[name] for name in _USERS if name in speakers]
