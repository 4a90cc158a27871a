"""Relevance: the chance that a hit is one of evidence, by ridge logistic regression.

Fitted by Newton's method on the first ten candidates of every question, answerable or not, over the terms
of `relevance.likelihood`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loci.server.cli.evaluation_calibration import Hit

from .collecting import Case
from .measuring import DEPTH, signals_at

__all__ = ["TERMS", "Hits", "fit", "promises"]

TERMS = ("constant", "cosine", "share", "score")
_RIDGE = 1.0
_STEPS = 50
_STILL = 1e-10


class Hits:
    """The first candidates of some questions, in columns."""

    def __init__(self, cases: Sequence[Case], weights: NDArray[np.float64]) -> None:
        found = [_first(case, weights) for case in cases if len(case.signals)]
        self.terms = np.concatenate([one.terms for one in found])
        self.good = np.concatenate([one.good for one in found])


def fit(hits: Hits) -> NDArray[np.float64]:
    """The coefficients of `TERMS`."""
    found = np.zeros(hits.terms.shape[1])
    ridge = np.diag([0.0] + [_RIDGE] * (len(found) - 1))
    for _ in range(_STEPS):
        chance = _chances(hits, found)
        slope = hits.terms.T @ (hits.good - chance) - ridge @ found
        bend = (hits.terms.T * (chance * (1 - chance))) @ hits.terms + ridge
        step = np.linalg.solve(bend, slope)
        found = found + step
        if np.abs(step).max() < _STILL:
            break
    return found


def promises(hits: Hits, calibration: NDArray[np.float64]) -> list[Hit]:
    """What is promised of each hit, and whether it is evidence."""
    chances: list[float] = _chances(hits, calibration).tolist()
    good: list[bool] = hits.good.tolist()
    return list(zip(chances, good, strict=True))


class _Top(NamedTuple):
    terms: NDArray[np.float64]
    """Shape (10, terms), or fewer candidates."""
    good: NDArray[np.bool_]


def _first(case: Case, weights: NDArray[np.float64]) -> _Top:
    scores = signals_at(case, weights[0] / (weights[0] + weights[1])) @ weights
    first = np.argsort(-scores, kind="stable")[:DEPTH]
    best = scores[first[0]]
    shares = scores[first] / best if best > 0 else np.zeros(len(first))
    columns = [np.ones(len(first)), np.maximum(case.cosines[first], 0), shares, scores[first]]
    return _Top(np.stack(columns, axis=1), np.any(case.evidence[first], axis=1))


def _chances(hits: Hits, calibration: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(hits.terms @ calibration)))
