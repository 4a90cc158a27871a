"""The candidates for an answer: near by meaning, by words, in the time that is asked for, or beside
what was found."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ..embedding import Embedder, Vectors
from ..index import Found as Passages
from ..ledger import Sight, TenantLedger
from ..tasks import task_group
from .dense import NARROW, Dense
from .question import Question
from .weights import Signals

__all__ = ["Found", "Gathering"]

_EACH = 100
"""Of each list. Together they hold 87 to 99 % of the evidence in public conversations."""
_PERIODS = 3
"""Periods in which is looked besides, the latest ones: a month without a year has one in each year."""


class Found(NamedTuple):
    """The two lists, by seq, and which of the question's details occur nowhere."""

    cosines: dict[int, float]
    bm25s: dict[int, float]
    absent: list[str]

    def among(self, seqs: Collection[int]) -> "Found":
        """Nothing but these of it."""
        cosines = {seq: cosine for seq, cosine in self.cosines.items() if seq in seqs}
        bm25s = {seq: bm25 for seq, bm25 in self.bm25s.items() if seq in seqs}
        return Found(cosines, bm25s, self.absent)


class Gathering:
    """Looks for one tenant's candidates."""

    __slots__ = ("_dense", "_embedder", "_ledger", "_signals")

    def __init__(
        self, ledger: TenantLedger, dense: Dense, embedder: Embedder, signals: Signals
    ) -> None:
        self._signals = signals
        self._ledger = ledger
        self._dense = dense
        self._embedder = embedder

    async def gather(self, question: Question, sight: Sight) -> Found:
        """Both lists, each from everywhere and from the time that is asked for."""
        found = Found({}, {}, [])
        sights = [sight, *_within(sight, question)]
        async with task_group() as tasks:
            if self._signals != "meaning":
                tasks.start_soon(self._by_words, question.words, sights, found.bm25s)
            if question.details:
                tasks.start_soon(self._absent, question.details, found.absent)
            if self._signals != "words":
                # Not a task of its own: it takes the longest, and begins before the others so.
                await self._by_meaning(question.meaning, sights, found.cosines)
        return found

    async def _by_meaning(self, text: str, sights: list[Sight], into: dict[int, float]) -> None:
        first, *others = sights
        if not others:
            await self._nearest(text, first, into)
            return
        choices: list[list[int] | None] = []
        async with task_group() as tasks:
            # While the model works.
            tasks.start_soon(self._few, others, choices)
            vectors, known = await self._nearest(text, first, into)
        few = [choice for choice in choices if choice is not None]
        if few:
            into.update(await self._dense.among(vectors[0], few, _EACH, known))
        for sight, choice in zip(others, choices, strict=True):
            if choice is None:
                into.update(await self._dense.search(vectors[0], sight, _EACH))

    async def _nearest(
        self, text: str, sight: Sight, into: dict[int, float]
    ) -> tuple[Vectors, Passages | None]:
        """What is near to a text; the text's vector, shape (1, dimension), and what it was compared with."""
        compare = self._dense.at_hand(sight, _EACH)
        if compare is None:
            vectors = await self._embedder.embed_query(text)
            into.update(await self._dense.search(vectors[0], sight, _EACH))
            return vectors, None
        vectors, found = await self._embedder.with_query(text, lambda v: (v, compare(v)))
        into.update(found.nearest)
        return vectors, found.passages

    async def _few(self, sights: list[Sight], into: list[list[int] | None]) -> None:
        """The versions that each sight leaves, where these are few enough to be compared one by one."""
        left = await self._ledger.seqs_each(sights, NARROW + 1)
        into += [seqs if len(seqs) <= NARROW else None for seqs in left]

    async def _by_words(self, text: str, sights: list[Sight], into: dict[int, float]) -> None:
        for found in await self._ledger.words.match(text, sights, _EACH):
            into.update((one.seq, one.bm25) for one in found)

    async def _absent(self, details: Sequence[str], into: list[str]) -> None:
        into += await self._ledger.words.absent(details)


def _within(sight: Sight, question: Question) -> list[Sight]:
    """The same sight, in the periods that a question speaks of."""
    found = (_cut(sight, *period) for period in question.periods[-_PERIODS:])
    return [one for one in found if one is not None]


def _cut(sight: Sight, start: datetime, end: datetime) -> Sight | None:
    filters = sight.filters
    since = start if filters.since is None else max(filters.since, start)
    until = end if filters.until is None else min(filters.until, end)
    if since >= until:
        return None
    return replace(sight, filters=replace(filters, since=since, until=until))
