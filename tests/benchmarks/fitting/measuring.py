"""What an order of the candidates is worth: recall@10 and nDCG@10 of all cases of one corpus at once,
as `loci eval` has them question by question (`evaluation_metrics`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loci.server.retrieval.weights import SIGNALS

from .collecting import Case

__all__ = ["DEPTH", "Block", "measured", "signals_at"]

DEPTH = 10
_WORDS, _MEANING = SIGNALS.index("words"), SIGNALS.index("meaning")
_BESIDE, _REPLY = SIGNALS.index("beside"), SIGNALS.index("reply")
_DISCOUNTS = 1 / np.log2(np.arange(2, DEPTH + 2))


@dataclass(frozen=True, slots=True)
class Block:
    """The answerable cases of one corpus in columns of one width, padded."""

    tenants: NDArray[np.str_]
    """Of each of q questions."""
    signals: NDArray[np.float64]
    """Shape (q, n, signals); the neighbours' are made anew, for they depend on the weights."""
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    """Places of the neighbours; -1 where there is none."""
    asking: NDArray[np.bool_]
    there: NDArray[np.bool_]
    """Shape (q, n): False is padding."""
    evidence: NDArray[np.bool_]
    """Shape (q, n, groups)."""
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> "Block":
        """The block of one corpus; of one case at least."""
        cases = [case for case in cases if case.answerable]
        wide = max(len(case.signals) for case in cases)
        most = max(case.evidence.shape[1] for case in cases)
        made = cls(
            tenants=np.array([case.tenant for case in cases]),
            signals=np.zeros((len(cases), wide, len(SIGNALS))),
            before=np.full((len(cases), wide), -1),
            after=np.full((len(cases), wide), -1),
            asking=np.zeros((len(cases), wide), np.bool_),
            there=np.zeros((len(cases), wide), np.bool_),
            evidence=np.zeros((len(cases), wide, most), np.bool_),
            groups=np.array([case.evidence.shape[1] for case in cases]),
        )
        for number, case in enumerate(cases):
            made._put(number, case)
        return made

    def _put(self, number: int, case: Case) -> None:
        count = len(case.signals)
        self.signals[number, :count] = case.signals
        self.before[number, :count] = case.before
        self.after[number, :count] = case.after
        self.asking[number, :count] = case.asking
        self.there[number, :count] = True
        self.evidence[number, :count, : case.evidence.shape[1]] = case.evidence

    def of_tenants(self, wanted: Sequence[str]) -> "Block":
        """Only the questions of these."""
        mine = np.isin(self.tenants, list(wanted))
        columns = (getattr(self, name)[mine] for name in self.__slots__)
        return Block(*columns)


def signals_at(found: Case | Block, words: float) -> NDArray[np.float64]:
    """The signals as the ranking makes them where `words` is the words' share in the two lists."""
    base = words * found.signals[..., _WORDS] + (1 - words) * found.signals[..., _MEANING]
    nobody = np.zeros((*base.shape[:-1], 1))
    padded = np.concatenate([base, nobody], axis=-1)
    before = np.take_along_axis(padded, found.before, axis=-1)
    after = np.take_along_axis(padded, found.after, axis=-1)
    signals = found.signals.copy()
    signals[..., _BESIDE] = np.maximum(before, after)
    signals[..., _REPLY] = before * found.asking
    return signals


def measured(block: Block, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall@10 and nDCG@10 of each question, shape (q, 2), by scores of shape (q, n)."""
    best = np.argsort(-np.where(block.there, scores, -np.inf), axis=1, kind="stable")[:, :DEPTH]
    brought = np.take_along_axis(block.evidence, best[..., None], axis=1)
    seen = np.cumsum(brought, axis=1) > 0
    recall = seen[:, -1].sum(axis=1) / block.groups
    count = seen.sum(axis=2)
    new = np.diff(count, axis=1, prepend=0) > 0
    ideal = np.cumsum(_DISCOUNTS)[np.minimum(block.groups, DEPTH) - 1]
    ndcg = (new * _DISCOUNTS[: new.shape[1]]).sum(axis=1) / ideal
    return np.stack([recall, ndcg], axis=1)
