"""All candidates in order: what was found, and what stands beside the best of it."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .acquaintance import Acquaintance
from .gathering import Found
from .question import Question
from .ranking import Asked, Candidates, Ranked, best_of, least_words, rank
from .weights import WEIGHTS

__all__ = ["ordered"]

_BESIDE = 20
"""The best candidates whose neighbours are candidates as well."""


async def ordered(
    acquaintance: Acquaintance,
    question: Question,
    found: Found,
    weights: NDArray[np.float64] = WEIGHTS,
    allowed: Collection[int] | None = None,
) -> Ranked:
    """All candidates, best first; of those that only stand beside others, the `allowed` ones."""
    listed = Candidates.of(found.cosines, found.bm25s)
    seqs = listed.seqs.tolist()
    traits = await acquaintance.traits(seqs)
    least = least_words(traits.memories)
    beside = set(traits.beside(best_of(listed, least, _BESIDE))).difference(seqs)
    fitting = beside if allowed is None else beside.intersection(allowed)
    candidates = listed.besides(sorted(fitting))
    places = traits.places(candidates.seqs)
    inside = question.times.inside(traits.at[places])
    asked = Asked(question.people, question.signs, inside, weights, least)
    return rank(candidates, traits, places, asked)
