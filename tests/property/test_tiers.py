"""Any sequence of verbs, rules, restarts and time: every memory is in exactly one tier, whole."""

import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import hypothesis.strategies as st
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.engines import Clock, opened

from loci.server.engine import Engine, Limits, Memories
from loci.server.model import Draft, ForgetMode, Query, Revision, Tier
from loci.server.tiers import Budget, Warmth, eviction_of

T = TypeVar("T")

WORDS = ("river", "lamp", "Zebra", "über", "日本", "naïve")
POLICIES = ("activation", "lru", "lfu", "fifo", "ttl:20d, lru", "reservoir")
SIZES = (1, 60)
"""Times a word is said: what is short stays as it is in the cold, what is long is compressed."""
numbers = st.integers(0, 10_000)


class Tiers(RuleBasedStateMachine):
    """The engine beside its model: contents by id, and which are pinned."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.home = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.portal: BlockingPortal = self.stack.enter_context(start_blocking_portal("asyncio"))
        self.clock = Clock()
        self.live: dict[str, str] = {}
        self.pinned: set[str] = set()
        self.count = 0
        self.running: AbstractContextManager[Engine]
        self.memories: Memories
        self.start("activation")

    def start(self, policy: str) -> None:
        warmth = Warmth(
            budget=Budget(count=4, bytes=900, tokens=300),
            eviction=eviction_of(policy),
            cold_after=timedelta(days=60),
        )
        limits = Limits(hot=Budget(count=2, tokens=400), warmth=warmth)
        context = opened(self.home, clock=self.clock, limits=limits)
        self.running = self.portal.wrap_async_context_manager(context)
        engine = self.running.__enter__()
        self.memories = self.do(engine.for_tenant, "ada")

    def teardown(self) -> None:
        self.running.__exit__(None, None, None)
        self.stack.close()

    def do(self, work: Callable[..., Awaitable[T]], *arguments: object) -> T:
        return self.portal.call(work, *arguments)

    def pick(self, number: int) -> str | None:
        return sorted(self.live)[number % len(self.live)] if self.live else None

    @rule(word=st.sampled_from(WORDS), size=st.sampled_from(SIZES), pinned=st.booleans())
    def remember(self, word: str, size: int, pinned: bool) -> None:
        self.count += 1
        text = " ".join([f"n{self.count}", *[word] * size])
        drafts = [Draft(content=text, pinned=pinned, namespace=f"n{self.count}")]
        (answer,) = self.do(self.memories.remember, drafts)
        self.live[answer.id] = text
        if pinned:
            self.pinned.add(answer.id)

    @rule(days=st.sampled_from([1, 8, 30, 70]))
    def wait(self, days: int) -> None:
        self.clock.pass_days(days)
        self.do(self.memories.tidy)

    @rule(number=numbers)
    def recall(self, number: int) -> None:
        """It is found, wherever it is, and is warm again afterwards, with all that came with it."""
        if one := self.pick(number):
            query = Query(text=" ".join(self.live[one].split()[:2]), limit=100, max_tokens=100_000)
            answer = self.do(self.memories.recall, query)
            found = {one.memory.id: one.memory.content for one in answer.recollections}
            assert found.items() <= self.live.items()
            assert one in found
            self.do(self.memories.tidy)
            assert not set(found) & set(self.tier(Tier.COLD))

    @rule(number=numbers)
    def archive(self, number: int) -> None:
        if one := self.pick(number):
            self.do(self.memories.forget, [one], ForgetMode.ARCHIVE)
            self.pinned.discard(one)

    @rule(number=numbers)
    def restore(self, number: int) -> None:
        if one := self.pick(number):
            self.do(self.memories.restore, [one])

    @rule(number=numbers, word=st.sampled_from(WORDS), size=st.sampled_from(SIZES))
    def revise(self, number: int, word: str, size: int) -> None:
        if one := self.pick(number):
            self.count += 1
            text = " ".join([f"n{self.count}", *[word] * size])
            self.do(self.memories.revise, one, Revision(content=text))
            self.live[one] = text

    @rule(number=numbers)
    def erase(self, number: int) -> None:
        if one := self.pick(number):
            receipt = self.do(self.memories.forget, [one], ForgetMode.ERASE)
            assert receipt.residue is not None
            assert receipt.residue.found == ()
            del self.live[one]
            self.pinned.discard(one)

    @rule(policy=st.sampled_from(POLICIES))
    def restart(self, policy: str) -> None:
        self.running.__exit__(None, None, None)
        self.start(policy)

    def tier(self, tier: Tier | None) -> dict[str, str]:
        page = self.do(lambda: self.memories.page(tier, limit=100))
        return {one.id: one.content for one in page.memories}

    @invariant()
    def every_memory_is_in_exactly_one_tier(self) -> None:
        tiers = [self.tier(tier) for tier in Tier]
        assert sum(len(tier) for tier in tiers) == len(self.live)
        assert {**tiers[0], **tiers[1], **tiers[2]} == self.live
        assert not self.pinned & set(tiers[2])
        assert self.tier(None) == self.live


TestTiers = Tiers.TestCase
TestTiers.settings = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
