"""What is fitted on some tenants, measured on the others: four folds, each with a quarter of every corpus's
tenants left out, in the order of their names."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loci.server.cli.evaluation_calibration import Hit

from . import logistic
from .ascent import ascend, by_question
from .collecting import Case
from .measuring import Block

__all__ = ["figures_left_out", "promises_left_out"]

_FOLDS = 4


def figures_left_out(blocks: Mapping[str, Block]) -> dict[str, NDArray[np.float64]]:
    """Recall@10 and nDCG@10 of each question by weights that were fitted without its tenant."""
    found = {name: np.zeros((len(block.tenants), 2)) for name, block in blocks.items()}
    for fold in range(_FOLDS):
        rest = {name: _without(block, fold) for name, block in blocks.items()}
        weights = ascend({name: one for name, one in rest.items() if len(one.tenants)})
        for name, block in blocks.items():
            mine = np.isin(block.tenants, _fold(block.tenants, fold))
            found[name][mine] = by_question(block, weights)[mine]
    return found


def promises_left_out(
    cases: Mapping[str, Sequence[Case]], weights: NDArray[np.float64]
) -> dict[str, list[Hit]]:
    """By corpus, what a calibration that was fitted without a tenant promises of its hits."""
    found: dict[str, list[Hit]] = {name: [] for name in cases}
    names = {name: np.array([one.tenant for one in mine]) for name, mine in cases.items()}
    for fold in range(_FOLDS):
        out = {name: set(_fold(tenants, fold)) for name, tenants in names.items()}
        rest = [one for name, mine in cases.items() for one in mine if one.tenant not in out[name]]
        calibration = logistic.fit(logistic.Hits(rest, weights))
        for name, mine in cases.items():
            if left := [one for one in mine if one.tenant in out[name]]:
                hits = logistic.Hits(left, weights)
                found[name] += logistic.promises(hits, calibration)
    return found


def _without(block: Block, fold: int) -> Block:
    return block.of_tenants(sorted(set(block.tenants.tolist()) - set(_fold(block.tenants, fold))))


def _fold(tenants: NDArray[np.str_], fold: int) -> list[str]:
    return np.unique(tenants).tolist()[fold::_FOLDS]
