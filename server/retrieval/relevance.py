"""How much a candidate has to do with the question, in [0, 1], whatever else was found.

A provisional scale. Meaning has two anchors, read off public conversations with the shipped model: a
cosine of .15 is what unrelated sentences reach, .75 what paraphrases do. Words count by the share of
the question's terms that occur at all; BM25 itself cannot say, for its size depends on the corpus (in
a store of two memories every word is a common one). Either signal can carry the answer.
"""

import re
from collections.abc import Sequence

__all__ = ["FLOOR", "coverage", "forms", "relevance"]

FLOOR = 0.2
"""Below it a memory is not worth showing."""

_UNRELATED = 0.15
_PARAPHRASE = 0.75
_WORDS_ALONE = 0.8
"""All the words, and nothing of the meaning: likely, never certain."""
_ENDING = 2
"""Letters in which forms of a word differ."""
_STEM = 3


def relevance(cosine: float | None, covered: float) -> float:
    """1 is certain, 0 is unrelated. `covered` is what `coverage` says."""
    meaning = 0.0 if cosine is None else (cosine - _UNRELATED) / (_PARAPHRASE - _UNRELATED)
    # Squared: one shared word of two is weak evidence, of three hardly any.
    return min(1.0, max(0.0, meaning, _WORDS_ALONE * covered**2))


def coverage(terms: Sequence[re.Pattern[str]], text: str) -> float:
    """The share of the question's terms that occur in a text, in any form of the word."""
    if not terms:
        return 0.0
    folded = text.casefold()
    return sum(term.search(folded) is not None for term in terms) / len(terms)


def forms(terms: Sequence[str]) -> list[re.Pattern[str]]:
    """What finds a term in casefolded text, whatever its ending."""
    stems = [term[: max(_STEM, len(term) - _ENDING)] for term in terms]
    return [re.compile(rf"\b{re.escape(stem)}\w{{0,{2 * _ENDING}}}\b") for stem in stems]
