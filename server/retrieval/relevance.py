"""How much a candidate has to do with the question, in [0, 1], whatever else was found.

A provisional scale. Meaning has two anchors, read off public conversations with the shipped model: a
cosine of .15 is what unrelated sentences reach, .75 what paraphrases do. Words count by the share of
the question's terms that occur at all; BM25 itself cannot say, for its size depends on the corpus (in
a store of two memories every word is a common one). Either signal can carry the answer.

The best evidence among the candidates is the relevance of the first; the others' is in proportion to
their scores. So relevance falls in the order of the ranking, which neither signal alone is as good at
(recall@1 on LoCoMo: 30 % in the order of the fusion, 14 % in the order of the evidence).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["FLOOR", "Term", "coverage", "evidence", "forms"]

FLOOR = 0.2
"""Below it a memory is not worth showing."""

_UNRELATED = 0.15
_PARAPHRASE = 0.75
_WORDS_ALONE = 0.8
"""All the words, and nothing of the meaning: likely, never certain."""
_ENDING = 2
"""Letters in which forms of a word differ."""
_STEM = 3
_WORD = re.compile(r"\w+")


def evidence(cosine: float | None, covered: float) -> float:
    """1 is certain, 0 is unrelated. `covered` is what `coverage` says."""
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
    words = set(_WORD.findall(text.casefold()))
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
