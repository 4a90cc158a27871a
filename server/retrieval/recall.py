"""From a question to an answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..embedding import Embedder, Reranker
from ..ledger import Sight, TenantLedger, VersionRow, question_terms
from ..model import PLAIN, Query, Recall, Recollection, Tier, Why, to_micros
from .acquaintance import Acquaintance
from .budget import Answer, fit
from .choice import Choice
from .dense import Dense
from .diversity import diverse
from .gathering import Found, Gathering
from .newest import newest_first
from .ordering import ordered
from .question import Question, read_question
from .ranking import Ranked
from .relevance import Term, bears, covers, forms, likelihood, worth_showing
from .repeats import first_of_each
from .reranking import RERANKED, reranked
from .weights import SIGNALS, weights_of

__all__ = ["Retriever"]

_SPARE = 4
"""Candidates read beyond the limit, for those that may not be seen or do not fit the budget."""
_ORDERED = 10
"""The best ones among which the newest of what is alike goes first."""


@dataclass(frozen=True, slots=True)
class _Hit:
    """A candidate that may be shown."""

    row: VersionRow
    score: float
    relevance: float
    signals: NDArray[np.float64]


class _Seen(NamedTuple):
    """What was found, all candidates in order, and the rows of the best, with the pairs of their ids of
    which the first contradicts, refines or supersedes the second."""

    found: Found
    ranked: Ranked
    rows: Mapping[int, VersionRow]
    updates: Sequence[tuple[str, str]]


class Retriever:
    """Answers one tenant's questions."""

    __slots__ = (
        "_acquaintance",
        "_choice",
        "_count",
        "_dense",
        "_gathering",
        "_ledger",
        "_reranker",
        "_weights",
    )

    def __init__(
        self,
        ledger: TenantLedger,
        dense: Dense,
        embedder: Embedder,
        acquaintance: Acquaintance,
        count: Callable[[str], int],
        choice: Choice,
        reranker: Reranker | None = None,
    ) -> None:
        self._ledger = ledger
        self._dense = dense
        self._reranker = reranker
        self._choice = choice
        self._gathering = Gathering(ledger, dense, embedder, choice.signals)
        self._weights = weights_of(choice.signals)
        self._acquaintance = acquaintance
        self._count = count

    async def recall(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        """The answer, and the seqs of the versions in it."""
        if not query.text.strip():
            return await self._most_active(query, sight)
        moment = query.filters.as_of or query.filters.known_at or sight.now
        people, extent = await self._acquaintance.people(), await self._acquaintance.extent()
        question = read_question(query.text, people, moment, extent)
        found = await self._gathering.gather(question, sight)
        wanted = max(query.limit + _SPARE, RERANKED if self._reranker is not None else 0)
        found, ranked, rows, updates = await self._seen(question, found, wanted, sight)
        terms = forms(question_terms(query.text))
        likely = _likely(terms, ranked, found, rows)
        worth = worth_showing(likely, self._choice.least)
        hits = await self._reranked(query, _once(_hits(ranked, likely, worth, rows), sight))
        hits = await self._diverse(await self._newest_first(hits, updates))
        shown = self._shown(query, hits)
        answer = Answer(
            found=[self._recollection(hit, found, query, sight) for hit in shown],
            considered=len(ranked.seqs),
            more=len(hits) - len(shown) + int(worth[wanted:].sum()),
            reason="" if shown else _reason(len(rows), hidden=len(hits)),
            absent=found.absent,
            terms=terms,
        )
        fitted = self._fit(query, answer)
        return fitted, _seqs(fitted, rows)

    def _shown(self, query: Query, hits: list[_Hit]) -> list[_Hit]:
        """Those that are likely enough for how much is asked for."""
        if query.limit > PLAIN:
            return hits
        return [hit for hit in hits if hit.relevance >= self._choice.least]

    async def _seen(self, question: Question, found: Found, wanted: int, sight: Sight) -> _Seen:
        """What was found and may be seen.

        Where one of the best may not be seen (it has expired, or stands beside a hit and does not pass the
        filters), none that may not be seen counts: no other is to be measured by it.
        """
        ranked = await ordered(self._acquaintance, question, found, self._weights)
        rows, updates = await self._ledger.with_updates(ranked.seqs[:wanted].tolist(), sight)
        if len(rows) < min(wanted, len(ranked.seqs)):
            allowed = await self._ledger.allowed(ranked.seqs.tolist(), sight)
            found = found.among(allowed)
            ranked = await ordered(self._acquaintance, question, found, self._weights, allowed)
            # All anew: what is linked is asked of all together.
            rows, updates = await self._ledger.with_updates(ranked.seqs[:wanted].tolist(), sight)
        return _Seen(found, ranked, rows, updates)

    async def _reranked(self, query: Query, hits: list[_Hit]) -> list[_Hit]:
        """The same in the reranker's order. Score and relevance fall in the order shown."""
        if self._reranker is None:
            return hits
        texts = [hit.row.memory.content for hit in hits]
        order = await reranked(self._reranker, query.text, texts)
        scores = sorted((hit.score for hit in hits), reverse=True)
        falling = sorted((hit.relevance for hit in hits), reverse=True)
        return [
            replace(hits[one], score=score, relevance=relevance)
            for one, score, relevance in zip(order, scores, falling, strict=True)
        ]

    async def _diverse(self, hits: list[_Hit]) -> list[_Hit]:
        """The same, what is like something before it later. Relevance falls in the order shown."""
        if not self._choice.diversity or len(hits) < 2:
            return hits
        vectors = await self._dense.firsts([hit.row.seq for hit in hits])
        order = diverse([hit.relevance for hit in hits], vectors, self._choice.diversity)
        return _dealt(hits, order)

    async def _newest_first(
        self, hits: list[_Hit], updates: Sequence[tuple[str, str]]
    ) -> list[_Hit]:
        """The same, the newest of what is alike before the older. Relevance falls in the order shown."""
        first = hits[:_ORDERED]
        if len(first) < 2:
            return hits
        times = [to_micros(hit.row.memory.valid_from) for hit in first]
        linked = _linked([hit.row.memory.id for hit in first], updates)
        vectors = await self._dense.firsts([hit.row.seq for hit in first])
        order = newest_first([hit.score for hit in first], times, vectors, linked)
        return _dealt(first, order) + hits[_ORDERED:]

    async def _most_active(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        rows = await self._ledger.most_active(sight, query.limit + _SPARE)
        found = [
            Recollection(memory=row.memory, tier=_tier(row, sight), relevance=1.0, why=None)
            for row in rows
        ]
        # Looking over what is active is no use of it: else the most active stay so for ever.
        reason = "" if rows else _reason(0)
        return self._fit(query, Answer(found=found, considered=len(rows), reason=reason)), ()

    def _recollection(self, hit: _Hit, found: Found, query: Query, sight: Sight) -> Recollection:
        seq = hit.row.seq
        why = Why(
            cosine=found.cosines.get(seq),
            bm25=found.bm25s.get(seq),
            score=hit.score,
            signals=dict(zip(SIGNALS, (hit.signals * self._weights).tolist(), strict=True)),
        )
        return Recollection(
            memory=hit.row.memory,
            tier=_tier(hit.row, sight),
            relevance=hit.relevance,
            why=why if query.explain else None,
        )

    def _fit(self, query: Query, answer: Answer) -> Recall:
        return fit(answer, limit=query.limit, budget=query.max_tokens, count=self._count)


def _linked(ids: Sequence[str], updates: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """The places of those of which one says something else than the other, or more."""
    shown = set(ids)
    return [(ids.index(one), ids.index(other)) for one, other in updates if {one, other} <= shown]


def _dealt(hits: Sequence[_Hit], order: Sequence[int]) -> list[_Hit]:
    """The hits in an order, with their relevances falling."""
    falling = sorted((hit.relevance for hit in hits), reverse=True)
    pairs = zip(order, falling, strict=True)
    return [replace(hits[one], relevance=relevance) for one, relevance in pairs]


def _reason(seen: int, *, hidden: int = 0) -> str:
    if not seen:
        return "No memory is there to be seen; look at the filters, if there are any."
    if hidden:
        return f"None of the nearest memories is likely enough to help; a limit above {PLAIN} brings what may."
    return "None of the nearest memories is about this."


def _likely(
    terms: Sequence[Term],
    ranked: Ranked,
    found: Found,
    rows: Mapping[int, VersionRow],
) -> NDArray[np.float64]:
    """How likely each candidate is to help; none is, if nothing has to do with the question."""
    likely = likelihood(ranked.cosines, ranked.scores, ranked.scores.max(initial=0.0))
    covering = (
        covers(terms, _about(row), judged=seq in found.cosines) for seq, row in rows.items()
    )
    return likely if bears(likely, ranked.cosines, covering) else np.zeros(len(likely))


def _hits(
    ranked: Ranked,
    likely: NDArray[np.float64],
    worth: NDArray[np.bool_],
    rows: Mapping[int, VersionRow],
) -> list[_Hit]:
    """Those that may be seen and are worth it, best first."""
    seqs = ranked.seqs.tolist()
    return [
        _Hit(
            rows[seqs[place]],
            float(ranked.scores[place]),
            float(likely[place]),
            ranked.signals[place],
        )
        for place in np.flatnonzero(worth)
        if seqs[place] in rows
    ]


def _once(hits: list[_Hit], sight: Sight) -> list[_Hit]:
    """Without repeats, unless what was replaced or was true at another time is asked for."""
    if sight.travels:
        return hits
    kept = first_of_each(hit.row.memory for hit in hits)
    return [hit for hit, first in zip(hits, kept, strict=True) if first]


def _about(row: VersionRow) -> str:
    memory = row.memory
    return " ".join((memory.speaker or "", *memory.tags, *memory.entities, memory.content))


def _tier(row: VersionRow, sight: Sight) -> Tier:
    return Tier.HOT if row.seq in sight.hot else row.memory.tier


def _seqs(answer: Recall, rows: Mapping[int, VersionRow]) -> list[int]:
    shown = {one.memory.id for one in answer.recollections}
    return [seq for seq, row in rows.items() if row.memory.id in shown]
