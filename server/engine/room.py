"""What the verbs of one tenant work with."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from ..embedding import Embedder, Reranker
from ..entities import Extractor
from ..errors import IndexFailed
from ..ledger import Delta, NewPassage, Sight, TenantLedger, seq_of
from ..model import Change, Filters, Near
from ..retrieval import Acquaintance, Answers, Cached, Dense, Recalls, Retriever
from ..tiers import HotTier, choose_hot
from ..tokens import TokenCounter
from ..workspace import Blackboard
from ..workspace.scratchpads import Scratchpads
from .gather import Gatherer
from .limits import Limits
from .usage import Usage

if TYPE_CHECKING:
    from .feed import Feed
    from .prepare import Contents, Made

__all__ = ["Room"]

_ACTIVE = 200
"""Memories that are looked at for the hot tier."""
_NOTHING_HOT = HotTier(frozenset(), "", 0)


@dataclass(slots=True, eq=False)
class Room:
    """One tenant's working set. Everything below it belongs to that tenant."""

    tenant: str
    ledger: TenantLedger
    embedder: Embedder
    reranker: Reranker | None
    dense: Dense
    acquaintance: Acquaintance
    pads: Scratchpads
    counter: TokenCounter
    extractor: Extractor
    limits: Limits
    usage: Usage
    clock: Callable[[], datetime]
    announce: Callable[[Change], Awaitable[None]]
    embed: Gatherer["Contents", list[Sequence[NewPassage]]]
    compare: Gatherer["Made", list[list[Near]]]
    """Both are shared by all rooms."""
    feed: "Feed | None"
    """Keeps the index; None where none is kept."""
    blackboard: Blackboard
    soiled: Callable[["Room"], None]
    """Tells the tending that there is something to tidy."""
    used: Counter[int] = field(default_factory=Counter[int])
    """Rehearsals that are still to be recorded, by seq."""
    hot: HotTier = _NOTHING_HOT
    hot_is_due: bool = True
    answers: Answers = field(default_factory=Answers)
    """The last ones, which are given again while they are right."""
    erased_at: datetime | None = None
    """When what was deleted long enough ago was last erased."""
    reading: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    """Texts are read by one thread: more would share the interpreter, and take it from others."""
    reflecting: anyio.Lock = field(default_factory=anyio.Lock)
    """Held by the cycle of consolidation that is under way."""
    reflected_at: datetime | None = None
    """When it was last consolidated unasked."""
    retained_at: datetime | None = None
    """When the rules of retention were last applied."""
    leaving: bool = False
    """Its tenant is being erased: whoever asks for it now waits for what becomes of that."""
    _hot_lock: anyio.Lock = field(default_factory=anyio.Lock)
    _uses_lock: anyio.Lock = field(default_factory=anyio.Lock)

    def sight(self, filters: Filters | None = None) -> Sight:
        """What a read may see now."""
        return Sight(filters=filters or Filters(), now=self.clock(), hot=self.hot.seqs)

    def retriever(self) -> Recalls:
        """Answers questions."""
        return Cached(self._retriever, self.answers)

    def _retriever(self) -> Retriever:
        cells = (self.ledger, self.dense, self.embedder, self.acquaintance)
        return Retriever(*cells, self.counter.count, self.limits.choice, self.reranker)

    async def committed(
        self, delta: Delta, ids: tuple[str, ...], sessions: tuple[str, ...] = ()
    ) -> None:
        """Bring everything derived up to a write."""
        await self.derived(delta)
        self.hot_is_due = True
        self.soiled(self)
        await self.announce(Change(self.tenant, ids, sessions))

    async def noted(self, session: str) -> None:
        """Say that a session's scratchpad changed, and have it looked after."""
        self.soiled(self)
        await self.announce(Change(self.tenant, sessions=(session,)))

    async def derived(self, delta: Delta) -> None:
        """Let a write be found by its meaning."""
        removed = {seq_of(one) for one in delta.removed}
        # Before anything is waited for: what is told here must be told in the order of the commits.
        self.acquaintance.changed(removed, {seq_of(one) for one, _ in delta.added})
        await self.dense.apply(delta)
        self.answers.changed()
        if self.feed is not None:
            self.feed.changed(len(delta.removed) + len(delta.added))

    async def erased(self, delta: Delta) -> tuple[str, ...]:
        """See to it that what was erased is in no index. What may be left of it, and where."""
        self.usage.shrunk()
        self.ledger.words.drop()
        try:
            if self.feed is not None:
                await self.feed.erased(delta.removed)
            left = await self.dense.holds(delta.removed)
        except IndexFailed as error:
            return (f"vector index: {error}",)
        return ("vector index: vector",) if left else ()

    async def aclose(self) -> None:
        """Hold nothing of the tenant from now on. Raises IndexFailed."""
        self.answers.changed()
        self.blackboard.waiting.close()
        self.ledger.words.close()
        await self.dense.aclose()

    async def left(self) -> tuple[str, ...]:
        """Close, and leave no index: its tenant was erased. What may be left of it, and where."""
        try:
            await self.aclose()
            if self.feed is not None:
                await self.feed.end()
        except IndexFailed as error:
            return (f"vector index: {error}",)
        return ()

    def rehearsed(self, seqs: list[int]) -> None:
        """Note a use, to be recorded behind the answer."""
        if seqs:
            self.used.update(seqs)
            self.soiled(self)

    async def choose_hot(self) -> HotTier:
        """The hot tier as of now."""
        async with self._hot_lock:
            if self.hot_is_due:
                self.hot_is_due = False
                try:
                    self.hot = await self._chosen()
                except BaseException:
                    self.hot_is_due = True
                    raise
            return self.hot

    async def _chosen(self) -> HotTier:
        await self.counter.load()
        sight = Sight(filters=Filters(), now=self.clock())
        active = await self.ledger.most_active(sight, _ACTIVE)
        rows = [(row.seq, row.memory) for row in active if row.memory.tier != "cold"]
        return choose_hot(rows, self.limits.hot, self.counter.count)

    async def record_uses(self) -> None:
        """Write the noted rehearsals down; what is used comes back from the cold. What fails is noted
        again. When this returns, those that another task was writing down are written as well."""
        async with self._uses_lock:
            uses, self.used = self.used, Counter()
            if uses:
                await self._rehearse(uses)

    async def _rehearse(self, uses: Counter[int]) -> None:
        try:
            moved = await self.ledger.rehearse(uses, self.clock())
        except BaseException:
            self.used.update(uses)
            raise
        self.hot_is_due = True
        if moved.ids:
            await self.committed(moved.delta, moved.ids)
