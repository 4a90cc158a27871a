"""From a question to an answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..embedding import Embedder
from ..ledger import Sight, TenantLedger, VersionRow, question_terms
from ..model import Query, Recall, Recollection, Tier, Why
from ..tasks import task_group
from .budget import fit
from .dense import Dense
from .fusion import fuse
from .relevance import FLOOR, Term, coverage, evidence, forms

__all__ = ["Retriever"]

_CANDIDATES = 100
"""Of each list. Together they hold 87 to 99 % of the evidence in public conversations."""
_SPARE = 4
"""Candidates read beyond the limit, for those that may not be seen or do not fit the budget."""


class _Candidates(NamedTuple):
    """Scores and seqs, best first, and the signals behind them by seq."""

    order: list[tuple[float, int]]
    cosines: Mapping[int, float]
    bm25s: Mapping[int, float]

    def evidence(self, row: VersionRow, terms: Sequence[Term]) -> float:
        """How much one candidate has to do with the question, whatever else was found."""
        memory = row.memory
        about = " ".join((memory.speaker or "", *memory.tags, *memory.entities, memory.content))
        return evidence(self.cosines.get(row.seq), coverage(terms, about))

    def relevance(self, score: float, best: float) -> float:
        """A candidate's relevance: its share of the best one's, in the order of the fusion."""
        return best * score / self.order[0][0] if self.order[0][0] > 0 else best

    def recollection(
        self, score: float, row: VersionRow, best: float, query: Query, sight: Sight
    ) -> Recollection:
        cosine, bm25 = self.cosines.get(row.seq), self.bm25s.get(row.seq)
        return Recollection(
            memory=row.memory,
            tier=_tier(row, sight),
            relevance=self.relevance(score, best),
            why=Why(cosine=cosine, bm25=bm25, score=score) if query.explain else None,
        )


class Retriever:
    """Answers one tenant's questions."""

    __slots__ = ("_count", "_dense", "_embedder", "_ledger")

    def __init__(
        self,
        ledger: TenantLedger,
        dense: Dense,
        embedder: Embedder,
        count: Callable[[str], int],
    ) -> None:
        self._ledger = ledger
        self._dense = dense
        self._embedder = embedder
        self._count = count

    async def recall(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        """The answer, and the seqs of the versions in it."""
        if not query.text.strip():
            return await self._most_active(query, sight)
        found = await self._candidates(query.text, sight)
        near, rows = await self._read(found.order, query.limit + _SPARE, sight)
        rest = found.order[len(near) :]
        terms = forms(question_terms(query.text))
        best = max((found.evidence(row, terms) for row in rows.values()), default=0.0)
        read = [
            found.recollection(score, rows[seq], best, query, sight)
            for score, seq in near
            if seq in rows
        ]
        relevant = [one for one in read if one.relevance >= FLOOR]
        more = sum(found.relevance(score, best) >= FLOOR for score, _ in rest)
        answer = self._fit(query, relevant, considered=len(found.order), more=more)
        return answer, _seqs(answer, rows)

    async def _candidates(self, question: str, sight: Sight) -> _Candidates:
        cosines: dict[int, float] = {}
        bm25s: dict[int, float] = {}

        async def by_meaning() -> None:
            vector = (await self._embedder.embed_query(question))[0]
            cosines.update(await self._dense.search(vector, sight, _CANDIDATES))

        async def by_words() -> None:
            found = await self._ledger.match(question, sight, _CANDIDATES)
            bm25s.update((one.seq, one.bm25) for one in found)

        async with task_group() as tasks:
            tasks.start_soon(by_meaning)
            tasks.start_soon(by_words)
        return _Candidates(fuse(cosines, bm25s), cosines, bm25s)

    async def _read(
        self, order: Sequence[tuple[float, int]], wanted: int, sight: Sight
    ) -> tuple[Sequence[tuple[float, int]], dict[int, VersionRow]]:
        """The best candidates, until enough of them may be seen: some have expired."""
        rows: dict[int, VersionRow] = {}
        place = 0
        while len(rows) < wanted and place < len(order):
            seqs = [seq for _, seq in order[place : place + wanted]]
            rows |= await self._ledger.by_seq(seqs, sight)
            place += wanted
        return order[:place], rows

    async def _most_active(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        rows = await self._ledger.most_active(sight, query.limit + _SPARE)
        found = [
            Recollection(memory=row.memory, tier=_tier(row, sight), relevance=1.0, why=None)
            for row in rows
        ]
        # Looking over what is active is no use of it: else the most active stay so for ever.
        return self._fit(query, found, considered=len(rows), more=0), ()

    def _fit(
        self, query: Query, found: Sequence[Recollection], *, considered: int, more: int
    ) -> Recall:
        return fit(
            found,
            considered=considered,
            more=more,
            limit=query.limit,
            budget=query.max_tokens,
            count=self._count,
        )


def _tier(row: VersionRow, sight: Sight) -> Tier:
    return Tier.HOT if row.seq in sight.hot else row.memory.tier


def _seqs(answer: Recall, rows: Mapping[int, VersionRow]) -> list[int]:
    shown = {one.memory.id for one in answer.recollections}
    return [seq for seq, row in rows.items() if row.memory.id in shown]
