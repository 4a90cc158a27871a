"""Whether anything answers the question, and how likely each memory is to help with it.

Two different things. Whether anything does is told by absolute evidence: how near the nearest is, and
what share of the question's words occurs in it; a score within one answer cannot tell. How likely each
memory is one that helps is a calibrated probability: a logistic function of its cosine, its score and
its share of the best score, fitted on public conversations with the shipped model (`weights.json` has
the coefficients and the command that fitted them). Over five sets together its expected calibration
error is .02, on tenants that the fit had not seen; on one set alone it is .04 to .11, for it cannot know
how much of what is kept bears on a question: little in one kind of data, much in another.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ledger import terms_of
from .weights import CALIBRATION

__all__ = ["FLOOR", "Term", "coverage", "evidence", "forms", "likelihood", "worth_showing"]

FLOOR = 0.2
"""Evidence below which nothing here has to do with the question."""

_UNRELATED = 0.15
_PARAPHRASE = 0.75
_WORDS_ALONE = 0.8
"""All the words, and nothing of the meaning: likely, never certain."""
_LEAST = 0.015
_SHARE = 0.05
"""What is less likely to help than this, or than this share of the best, is not shown: on public
conversations that leaves out a fifth of ten hits, and one in a hundred of those that were right."""
_ENDING = 2
"""Letters in which forms of a word differ."""
_STEM = 3


def likelihood(
    cosines: NDArray[np.float64], scores: NDArray[np.float64], best: float
) -> NDArray[np.float64]:
    """How likely each is to help, given its score and the best one's. Cosines are 0 where unknown."""
    shares = scores / best if best > 0 else np.zeros(len(scores))
    terms = np.stack([np.ones(len(scores)), np.maximum(cosines, 0), shares, scores])
    return 1 / (1 + np.exp(-(CALIBRATION @ terms)))


def worth_showing(likely: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which are likely enough, in themselves and beside the best."""
    return likely >= max(_LEAST, _SHARE * likely.max(initial=0.0))


def evidence(cosine: float | None, covered: float) -> float:
    """1 is certain, 0 is unrelated. `covered` is what `coverage` says.

    Meaning has two anchors, read off public conversations with the shipped model: a cosine of .15 is
    what unrelated sentences reach, .75 what paraphrases do. Words count by the share of the question's
    terms that occur at all; BM25 itself cannot say, for its size depends on the corpus.
    """
    meaning = 0.0 if cosine is None else (cosine - _UNRELATED) / (_PARAPHRASE - _UNRELATED)
    # Squared: one shared word of two is weak evidence, of three hardly any.
    return min(1.0, max(0.0, meaning, _WORDS_ALONE * covered**2))


class Term(NamedTuple):
    """What a word of the question looks like in any of its forms."""

    word: str
    stem: str
    longest: int


def coverage(terms: Sequence[Term], text: str) -> float:
    """The share of the question's terms that occur in a text, in any form of the word."""
    if not terms:
        return 0.0
    words = set(terms_of(text))
    return sum(_occurs(term, words) for term in terms) / len(terms)


def forms(words: Sequence[str]) -> list[Term]:
    """The forms of the question's words: those that begin like them and end otherwise."""
    return [
        Term(word, word[: max(_STEM, len(word) - _ENDING)], len(word) + _ENDING) for word in words
    ]


def _occurs(term: Term, words: set[str]) -> bool:
    if term.word in words:
        return True
    return any(len(word) <= term.longest and word.startswith(term.stem) for word in words)
