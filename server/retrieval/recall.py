"""From a question to an answer."""

import re
from collections.abc import Callable, Mapping, Sequence

from ..embedding import Embedder
from ..ledger import Sight, TenantLedger, VersionRow, question_terms
from ..model import Query, Recall, Recollection, Tier, Why
from ..tasks import task_group
from .budget import fit
from .dense import Dense
from .fusion import Scored, fuse
from .relevance import FLOOR, coverage, forms, relevance

__all__ = ["Retriever"]

_CANDIDATES = 100
"""Of each list. Together they hold 87 to 99 % of the evidence in public conversations."""
_SPARE = 2
"""Recollections looked at for each that is wanted, so that short ones can fill the budget."""


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
        scored = await self._candidates(query.text, sight)
        near = scored[: query.limit * _SPARE]
        rows = await self._ledger.by_seq([one.seq for one in near], sight)
        terms = forms(question_terms(query.text))
        found = [
            _recollection(one, rows[one.seq], query, sight, terms)
            for one in near
            if one.seq in rows
        ]
        relevant = [one for one in found if one.relevance >= FLOOR]
        # Those further down were not read: their vectors alone say whether they have to do with it.
        more = sum(relevance(one.cosine, 0.0) >= FLOOR for one in scored[len(near) :])
        answer = self._fit(query, relevant, considered=len(scored), more=more)
        return answer, _seqs(answer, rows)

    async def _candidates(self, question: str, sight: Sight) -> list[Scored]:
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
        return fuse(cosines, bm25s)

    async def _most_active(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        rows = await self._ledger.most_active(sight, query.limit * _SPARE)
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


def _recollection(
    one: Scored, row: VersionRow, query: Query, sight: Sight, terms: Sequence[re.Pattern[str]]
) -> Recollection:
    memory = row.memory
    about = " ".join((memory.speaker or "", *memory.tags, *memory.entities, memory.content))
    covered = coverage(terms, about)
    why = Why(cosine=one.cosine, bm25=one.bm25, score=one.score) if query.explain else None
    return Recollection(
        memory=memory,
        tier=_tier(row, sight),
        relevance=relevance(one.cosine, covered),
        why=why,
    )


def _tier(row: VersionRow, sight: Sight) -> Tier:
    return Tier.HOT if row.seq in sight.hot else row.memory.tier


def _seqs(answer: Recall, rows: Mapping[int, VersionRow]) -> list[int]:
    shown = {one.memory.id for one in answer.recollections}
    return [seq for seq, row in rows.items() if row.memory.id in shown]
