"""Weights by coordinate ascent: one weight at a time is set to what serves best, round after round, till
none moves (Metzler and Croft, "Linear Feature-Based Models for Information Retrieval", 2007).

It optimises the figures themselves, which have no gradient. The steps are coarse, and a weight moves only
for a gain that is worth it, away from 0 as well as back to it: eight numbers from a handful of tenants
must not follow each question.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loci.server.retrieval.weights import SIGNALS, WEIGHTS

from .measuring import Block, measured, signals_at

__all__ = ["START", "ascend", "by_question", "worth"]

_SHARES = np.arange(0.3, 0.71, 0.05).round(2)
"""Of words in the two lists, whose weights are 1 together."""
_STEPS = np.array(
    [-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1]
)
_GAIN = 0.0005
"""Less than a tenth of what 500 questions can tell."""
_ROUNDS = 8
START = np.array([0.5, 0.5] + [0.0] * (len(SIGNALS) - 2))
"""The two lists alone."""


def worth(blocks: Mapping[str, Block], weights: NDArray[np.float64]) -> float:
    """Recall@10 and nDCG@10, every corpus counting the same."""
    return float(np.mean([by_question(block, weights).mean() for block in blocks.values()]))


def by_question(block: Block, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall@10 and nDCG@10 of each, shape (q, 2)."""
    share = weights[0] / (weights[0] + weights[1])
    return measured(block, signals_at(block, share) @ weights)


def ascend(blocks: Mapping[str, Block]) -> NDArray[np.float64]:
    """The weights that serve best, in the order of `SIGNALS`. A signal that no question of these has
    keeps the weight that is shipped: nothing here speaks for another."""
    told = _told(blocks)
    weights = np.where(told, START, WEIGHTS)
    best = worth(blocks, weights)
    for _ in range(_ROUNDS):
        began = best
        for place in [one for one in range(1, len(SIGNALS)) if told[one]]:
            weights, best = _along(blocks, weights, best, place)
        if best == began:
            break
    return weights


def _told(blocks: Mapping[str, Block]) -> NDArray[np.bool_]:
    """Which of the signals any question has."""
    return np.any([block.signals.any(axis=(0, 1)) for block in blocks.values()], axis=0)


def _along(
    blocks: Mapping[str, Block], weights: NDArray[np.float64], best: float, place: int
) -> tuple[NDArray[np.float64], float]:
    """The best along one coordinate; the first stands for both lists."""
    tried = [_with(weights, place, value) for value in _values(place)]
    found = [worth(blocks, one) for one in tried]
    top = int(np.argmax(found))
    return (tried[top], found[top]) if found[top] >= best + _GAIN else (weights, best)


def _values(place: int) -> Sequence[float]:
    return (_SHARES if place == 1 else _STEPS).tolist()


def _with(weights: NDArray[np.float64], place: int, value: float) -> NDArray[np.float64]:
    changed = weights.copy()
    changed[place] = value
    if place == 1:
        changed[0] = value
        changed[1] = round(1 - value, 2)
    return changed
