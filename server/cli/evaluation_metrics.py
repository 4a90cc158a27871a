"""How good an answer is: pure functions of what came back, best first, and of what should have.

Ids are of any hashable kind. `groups` are the pieces of evidence: a piece is found when any of its ids
is. Nothing is divided by zero: what is not defined is not asked (see `scores`).

- recall@k: the share of groups found among the first k; the mean over questions is "R@k". With one group
  it is the hit rate (LongMemEval's "recall_any"); with several, the share that LoCoMo reports
  (Maharana et al. 2024, section 5).
- recall_all@k: 1 where every group was found, else 0 (LongMemEval's "recall_all", Wu et al. 2025).
- nDCG@k: Järvelin and Kekäläinen 2002, with the discount 1 / log2(1 + rank) of Burges et al. 2005. What
  first brings a group gains 1, repeats of it nothing; the ideal answer brings one new group a rank.
- MRR: the mean of 1 / rank of the first evidence, 0 where none came back (Voorhees 1999, TREC-8).
- within N tokens: recall over a whole answer whose budget was N.
- texts of N tokens: recall over the best whose contents alone come to N tokens at the most, which is what
  others count who say what they find within a number of tokens.
- newest first: whether the first evidence stands before the first outdated version, as a reader
  who takes the first version believes (FactConsolidation in MemoryAgentBench, Hu et al. 2025).
- precision and recall as a set: of the ids that were judged, evidence or forbidden, the share that is
  evidence, and recall over the whole answer (van Rijsbergen 1979). Nothing at all is right, 1, where
  nothing should come back, and else worth 0 (PrecisionMemBench asks both). It keeps apart what is pinned,
  for that is in the agent's context before it asks: precision beside the pinned counts no pinned one.
- median and p95: quantiles by nearest rank (Hyndman and Fan 1996, type 1): a value that was measured.
"""

import itertools
import math
from collections.abc import Collection, Hashable, Sequence

__all__ = [
    "mean",
    "ndcg",
    "newest_first",
    "quantile",
    "recall",
    "recall_all",
    "reciprocal_rank",
    "set_precision",
    "texts_within",
]

Groups = Collection[Collection[Hashable]]


def recall(ranked: Sequence[Hashable], groups: Groups, k: int | None = None) -> float:
    """The share of `groups`, of which there is one at least, found among the first `k` or all."""
    found = set(ranked[:k])
    return sum(not found.isdisjoint(group) for group in groups) / len(groups)


def recall_all(ranked: Sequence[Hashable], groups: Groups, k: int | None = None) -> float:
    """1 where each group was found, else 0."""
    return float(recall(ranked, groups, k) == 1)


def ndcg(ranked: Sequence[Hashable], groups: Groups, k: int) -> float:
    """From 0 to 1: how near the first ranks the groups came, among the first `k`."""
    left = list(groups)
    gained = 0.0
    for rank, one in enumerate(ranked[:k], 1):
        rest = [group for group in left if one not in group]
        gained += _discount(rank) if len(rest) < len(left) else 0
        left = rest
    ideal = sum(map(_discount, range(1, min(k, len(groups)) + 1)))
    return min(1.0, gained / ideal)  # the two sums may be rounded differently


def reciprocal_rank(ranked: Sequence[Hashable], groups: Groups) -> float:
    """1 / the rank of the first evidence, or 0."""
    rank = _first(ranked, {one for group in groups for one in group})
    return 0.0 if rank is None else 1 / rank


def newest_first(ranked: Sequence[Hashable], groups: Groups, stale: Collection[Hashable]) -> float:
    """1 where evidence came back before any outdated version, else 0."""
    newest = _first(ranked, {one for group in groups for one in group})
    oldest = _first(ranked, set(stale))
    return float(newest is not None and (oldest is None or newest < oldest))


def set_precision(
    found: Collection[Hashable], evidence: Collection[Hashable], forbidden: Collection[Hashable]
) -> float:
    """The share of evidence in what came back and was judged."""
    good = len(set(found) & set(evidence))
    bad = len(set(found) & set(forbidden))
    return good / (good + bad) if good + bad else float(not evidence)


def texts_within(lengths: Sequence[int], tokens: int) -> int:
    """How many of the best have contents of so many tokens together, given those of each."""
    return sum(total <= tokens for total in itertools.accumulate(lengths))


def mean(values: Sequence[float]) -> float:
    """Of one value at least."""
    return math.fsum(values) / len(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value with at least that share of the values, one at least, up to it."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _discount(rank: int) -> float:
    return 1 / math.log2(1 + rank)


def _first(ranked: Sequence[Hashable], wanted: Collection[Hashable]) -> int | None:
    """The first rank, from 1."""
    return next((rank for rank, one in enumerate(ranked, 1) if one in wanted), None)
