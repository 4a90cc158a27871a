"""Whether one order is better than another, and by how much: a paired bootstrap over tenants (Efron and
Tibshirani 1993; Sakai 2006 for retrieval).

Questions about the same memories are alike, so tenants are drawn first, with replacement, and then the
questions of each. Both orders are measured on the same draw.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gain", "gain"]

_SAMPLES = 2000
_SEED = 5


class Gain(NamedTuple):
    """A mean difference with its 95 % interval."""

    mean: float
    low: float
    high: float


def gain(differences: NDArray[np.float64], tenants: NDArray[np.str_]) -> Gain:
    """Of differences by question, with the tenant of each."""
    drawn = np.random.default_rng(_SEED)
    apart = [differences[tenants == tenant] for tenant in np.unique(tenants)]
    means = [_draw(drawn, apart) for _ in range(_SAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Gain(float(differences.mean()), float(low), float(high))


def _draw(drawn: np.random.Generator, apart: list[NDArray[np.float64]]) -> float:
    numbers: list[int] = drawn.integers(len(apart), size=len(apart)).tolist()
    chosen = [apart[one] for one in numbers]
    values = [drawn.choice(one, size=len(one)) for one in chosen]
    return float(np.concatenate(values).mean())
