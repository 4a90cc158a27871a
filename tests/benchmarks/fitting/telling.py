"""What a fit is worth, as lines for people."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from loci.server.cli.evaluation_calibration import Hit, calibration_error, reliability
from loci.server.retrieval.weights import WEIGHTS, weights_of

from .ascent import by_question
from .judging import Gain, gain
from .measuring import Block

__all__ = ["calibrations", "comparison", "points"]


def comparison(
    blocks: Mapping[str, Block],
    fitted: NDArray[np.float64],
    left_out: Mapping[str, NDArray[np.float64]],
) -> Iterator[str]:
    """A line for each corpus: recall@10 / nDCG@10 by words alone, by the shipped weights, by the fitted
    ones; and, where the weights were fitted on it, by those fitted on other tenants."""
    yield "R@10 / nDCG@10, gains in both together over the shipped weights with their 95 % interval"
    for name, block in blocks.items():
        ways = {"words": weights_of("words"), "shipped": WEIGHTS, "fitted": fitted}
        found = {way: by_question(block, weights) for way, weights in ways.items()}
        if name in left_out:
            found["left out"] = left_out[name]
        told = "  ".join(f"{way} {_pair(one)}" for way, one in found.items())
        last = list(found.values())[-1]
        yield f"{name}: {told}  {points(gain(_between(found['shipped'], last), block.tenants))}"


def calibrations(promises: Mapping[str, list[Hit]]) -> Iterator[str]:
    """The expected calibration error of each corpus, over the first ten of every question."""
    for name, hits in promises.items():
        yield f"{name}: {len(hits):,} hits, calibration error {_error(hits):.3f}"
    every = [hit for hits in promises.values() for hit in hits]
    yield f"all: {len(every):,} hits, calibration error {_error(every):.3f}"


def points(one: Gain) -> str:
    """In points of a hundred."""
    return f"{100 * one.mean:+.2f} [{100 * one.low:+.2f}, {100 * one.high:+.2f}]"


def _between(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return (other - one).mean(axis=1)


def _pair(found: NDArray[np.float64]) -> str:
    recall, ndcg = (100 * found.mean(axis=0)).tolist()
    return f"{recall:.1f}/{ndcg:.1f}"


def _error(hits: list[Hit]) -> float:
    return calibration_error(reliability(hits))
