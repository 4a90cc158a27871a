"""What a relevance promises and what it keeps, for `loci eval`: of the hits shown with a relevance of .3,
three in ten should be evidence.

The hits fall into ten bins of equal width by their relevance; the reliability curve sets the mean
relevance of each against the share of evidence in it (Niculescu-Mizil and Caruana, "Predicting Good
Probabilities With Supervised Learning", 2005). The expected calibration error is the mean distance of the
two, each bin weighing as much as it has hits (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017).

Only what was shown is judged, and only by what the corpus names as evidence: what helps without being
named counts as a miss.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Bin", "Hit", "calibration_error", "judged", "reliability"]

_BINS = 10

Hit = tuple[float, bool]
"""A relevance in [0, 1], and whether it was one of evidence."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits of about the same relevance, one at least."""

    least: float
    """Their relevances begin here."""
    hits: int
    promised: float
    """Their mean relevance."""
    kept: float
    """The share of evidence among them."""


def judged(
    ids: Sequence[str], relevances: Sequence[float], evidence: Collection[str]
) -> Iterable[Hit]:
    """The hits of one answer."""
    shown = zip(ids, relevances, strict=True)
    return [(relevance, one in evidence) for one, relevance in shown]


def reliability(hits: Iterable[Hit]) -> list[Bin]:
    """The bins with hits in them, the least relevant first."""
    bins: dict[int, list[Hit]] = {}
    for hit in hits:
        bins.setdefault(min(int(hit[0] * _BINS), _BINS - 1), []).append(hit)
    return [_bin(place / _BINS, found) for place, found in sorted(bins.items())]


def calibration_error(bins: Sequence[Bin]) -> float:
    """From 0, for promises that are kept, to 1. Of one bin at least."""
    away = math.fsum(one.hits * abs(one.promised - one.kept) for one in bins)
    return away / sum(one.hits for one in bins)


def _bin(least: float, hits: Sequence[Hit]) -> Bin:
    promised = math.fsum(relevance for relevance, _ in hits) / len(hits)
    kept = sum(good for _, good in hits) / len(hits)
    return Bin(least, len(hits), round(promised, 4), round(kept, 4))
