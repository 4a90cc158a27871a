"""Whether anything answers the question, and how likely each memory is to help with it.

How likely each memory is one that helps is a calibrated probability: a logistic function of its cosine,
its score and its share of the best score, fitted on public conversations with the shipped model
(`weights.json` has the coefficients and the command that fitted them). Over five sets together the
expected calibration error of such a fit is .02, on tenants that it had not seen, and .04 to .13 on one set alone;
over what a plain question shows it is .10 to .38 on one set (`tests/benchmarks/recall.md`), for it cannot know how much of what is kept bears on a question: little in one kind of data, much in another.

Nothing answers where not even the best is likely to; unless one of those read has most of the question's words,
for what is found by words alone has no cosine to be judged by.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ledger import terms_of
from .weights import CALIBRATION

__all__ = [
    "LEAST",
    "Term",
    "bears",
    "coverage",
    "covers",
    "forms",
    "likelihood",
    "worth_showing",
]

_BEARING = 0.25
"""What the best must reach: one answer in a thousand is lost by it on public data."""
_RELATED = 0.27
"""Cosine that the nearest must reach: unrelated sentences have .15, paraphrases .75."""
_COVERING = 0.6
"""The share of the question's words that one memory must have instead: one of two is weak evidence."""
_ALONE = 0.5
"""The same of a memory that has no cosine to be judged by: it is cold, or was found by words alone."""
LEAST = 0.08
"""What is less likely to help than this is not shown to who asks plainly (`PLAIN`)."""
_WIDER = 0.2
"""The share of it that a wider answer goes down to."""
_SHARE = 0.05
"""Nor is what is less likely than this share of the best. On public conversations a wider answer leaves out a fifth of
ten hits by both, and one in a hundred of those that were right."""
_ENDINGS = ("ings", "ing", "ied", "ies", "ed", "es", "e", "s", "y", "d")
"""That other forms of a word may lack."""
_LONGER = 4
"""Letters that may follow what they have in common: `runs`, `running`."""
_DOUBLING = ("ings", "ing", "ed")
"""Before them a letter may stand twice that stands once without them."""
_VOWELS = frozenset("aeiouy")
_STEM = 3
"""Letters that are left of a word at the least."""


def likelihood(
    cosines: NDArray[np.float64], scores: NDArray[np.float64], best: float
) -> NDArray[np.float64]:
    """How likely each is to help, given its score and the best one's. Cosines are 0 where unknown."""
    shares = scores / best if best > 0 else np.zeros(len(scores))
    terms = np.stack([np.ones(len(scores)), np.maximum(cosines, 0), shares, scores])
    return 1 / (1 + np.exp(-(CALIBRATION @ terms)))


def worth_showing(likely: NDArray[np.float64], least: float = LEAST) -> NDArray[np.bool_]:
    """Which are likely enough for a wide answer, in themselves and beside the best."""
    return likely >= max(_WIDER * least, _SHARE * likely.max(initial=0.0))


def bears(
    likely: NDArray[np.float64], cosines: NDArray[np.float64], covering: Iterable[bool]
) -> bool:
    """Whether anything has to do with the question: by likelihood and nearness, else by what `covers` says of
    those read, which is asked for only then: it takes a millisecond."""
    near = cosines.max(initial=0.0) >= _RELATED and likely.max(initial=0.0) >= _BEARING
    return bool(near) or any(covering)


def covers(terms: Sequence["Term"], text: str, *, judged: bool) -> bool:
    """Whether a text has enough of the question's words to bear on it whatever its cosine says; less is enough
    where there is none (not `judged`)."""
    enough = _COVERING if judged else _ALONE
    return len(_possible(terms, text)) >= enough * len(terms) and coverage(terms, text) >= enough


class Term(NamedTuple):
    """What a word of the question looks like in any of its forms."""

    word: str
    stem: str
    longest: int


def coverage(terms: Sequence[Term], text: str) -> float:
    """The share of the question's terms that occur in a text, in any form of the word."""
    possible = _possible(terms, text)
    if not possible:
        return 0.0
    words = set(terms_of(text))
    return sum(_occurs(term, words) for term in possible) / len(terms)


def _possible(terms: Sequence[Term], text: str) -> list[Term]:
    """Those whose stem is anywhere in a text: few texts have any, and the others need not be taken apart."""
    folded = text.casefold()
    return [term for term in terms if term.stem in folded]


def forms(words: Sequence[str]) -> list[Term]:
    """The forms of the question's words: those that begin like them and end otherwise."""
    stems = [_stem(word) for word in words]
    return [Term(w, stem, len(stem) + _LONGER) for w, stem in zip(words, stems, strict=True)]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _STEM and not _VOWELS.isdisjoint(stem):
            doubled = ending in _DOUBLING and len(stem) > _STEM and stem[-1] == stem[-2]
            return stem[:-1] if doubled else stem
    return word


def _occurs(term: Term, words: set[str]) -> bool:
    if term.word in words:
        return True
    return any(len(word) <= term.longest and word.startswith(term.stem) for word in words)
