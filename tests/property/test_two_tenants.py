"""Any sequence of verbs by two tenants, against two plain dictionaries.

What a tenant sees is exactly what its own dictionary holds; what is the other's looks like what does
not exist; and restarting the engine changes nothing.
"""

import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar

import hypothesis.strategies as st
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.engines import Clock, opened

from loci.server.engine import Engine, Memories
from loci.server.errors import NotFound
from loci.server.model import Draft, Filters, ForgetMode, Query, Revision

T = TypeVar("T")

TENANTS = ("ada", "bob")
WORDS = ("river", "lamp", "Zebra", "über", "日本", "naïve", "x")
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
tenants = st.sampled_from(TENANTS)
numbers = st.integers(0, 10_000)


class TwoTenants(RuleBasedStateMachine):
    """The engine beside its model: for each tenant the contents of its memories by id."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.home = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.portal: BlockingPortal = self.stack.enter_context(start_blocking_portal("asyncio"))
        self.clock = Clock()
        self.live: dict[str, dict[str, str]] = {tenant: {} for tenant in TENANTS}
        self.deleted: dict[str, dict[str, str]] = {tenant: {} for tenant in TENANTS}
        self.gone: dict[str, set[str]] = {tenant: set() for tenant in TENANTS}
        self.running: AbstractContextManager[Engine]
        self.memories: dict[str, Memories] = {}
        self.start()

    def start(self) -> None:
        self.running = self.portal.wrap_async_context_manager(opened(self.home, clock=self.clock))
        engine = self.running.__enter__()
        self.memories = {one: self.do(engine.for_tenant, one) for one in TENANTS}

    def teardown(self) -> None:
        self.running.__exit__(None, None, None)
        self.stack.close()

    def do(self, work: Callable[..., Awaitable[T]], *arguments: object) -> T:
        return self.portal.call(work, *arguments)

    def pick(self, held: dict[str, str], number: int) -> str:
        return sorted(held)[number % len(held)]

    @rule(tenant=tenants, batch=st.lists(texts, min_size=1, max_size=4))
    def remember(self, tenant: str, batch: list[str]) -> None:
        live = self.live[tenant]
        answers = self.do(self.memories[tenant].remember, [Draft(content=text) for text in batch])
        for text, answer in zip(batch, answers, strict=True):
            repeats = text in live.values()
            assert (answer.status == "duplicate") == repeats
            assert repeats == (answer.id in live)
            live[answer.id] = text

    @rule(tenant=tenants, text=texts, number=numbers)
    def supersede(self, tenant: str, text: str, number: int) -> None:
        live = self.live[tenant]
        if not live or text in live.values():
            return
        old = self.pick(live, number)
        draft = Draft(content=text, supersedes=(old,))
        (answer,) = self.do(self.memories[tenant].remember, [draft])
        del live[old]
        self.gone[tenant].add(old)
        live[answer.id] = text

    @rule(tenant=tenants, text=texts, number=numbers)
    def revise(self, tenant: str, text: str, number: int) -> None:
        live = self.live[tenant]
        if live:
            one = self.pick(live, number)
            self.do(self.memories[tenant].revise, one, Revision(content=text))
            live[one] = text

    @rule(tenant=tenants, number=numbers)
    def delete(self, tenant: str, number: int) -> None:
        live = self.live[tenant]
        if live:
            one = self.pick(live, number)
            self.do(self.memories[tenant].forget, [one])
            self.deleted[tenant][one] = live.pop(one)

    @rule(tenant=tenants, number=numbers)
    def restore(self, tenant: str, number: int) -> None:
        deleted = self.deleted[tenant]
        if deleted:
            one = self.pick(deleted, number)
            self.do(self.memories[tenant].restore, [one])
            self.live[tenant][one] = deleted.pop(one)

    @rule(tenant=tenants, number=numbers)
    def erase(self, tenant: str, number: int) -> None:
        live = self.live[tenant]
        if live:
            one = self.pick(live, number)
            receipt = self.do(self.memories[tenant].forget, [one], ForgetMode.ERASE)
            assert receipt.residue is not None
            assert receipt.residue.found == ()
            del live[one]
            self.gone[tenant].add(one)

    @rule(tenant=tenants, number=numbers)
    def reach_over(self, tenant: str, number: int) -> None:
        """The other tenant's ids do not exist, whatever is asked of them."""
        other = TENANTS[tenant == TENANTS[0]]
        theirs = {**self.live[other], **self.deleted[other]}
        if not theirs:
            return
        one = self.pick(theirs, number)
        mine = self.memories[tenant]
        for work, arguments in (
            (mine.get, (one,)),
            (mine.history, (one,)),
            (mine.forget, ([one],)),
            (mine.forget, ([one], ForgetMode.ERASE)),
            (mine.restore, ([one],)),
            (mine.revise, (one, Revision(pinned=True))),
            (mine.remember, ([Draft(content="x", supersedes=(one,))],)),
        ):
            self.missing(work, *arguments)

    def missing(self, work: Callable[..., Awaitable[object]], *arguments: object) -> None:
        try:
            self.do(work, *arguments)
        except NotFound:
            return
        raise AssertionError(f"{work} reached over")

    @precondition(lambda self: self.live["ada"] or self.live["bob"])
    @rule()
    def restart(self) -> None:
        self.running.__exit__(None, None, None)
        self.start()

    @invariant()
    def each_sees_its_own_and_nothing_else(self) -> None:
        for tenant in TENANTS:
            page = self.do(self.all_of, tenant)
            assert page == self.live[tenant]

    @rule(tenant=tenants, text=texts)
    def recall(self, tenant: str, text: str) -> None:
        query = Query(text=text, limit=100, max_tokens=100_000)
        answer = self.do(self.memories[tenant].recall, query)
        found = {one.memory.id: one.memory.content for one in answer.recollections}
        live = self.live[tenant]
        assert found.items() <= live.items()
        assert {one for one, content in live.items() if content == text} <= set(found)

    async def all_of(self, tenant: str) -> dict[str, str]:
        everything = Query(text="", limit=100, max_tokens=100_000, filters=Filters())
        answer = await self.memories[tenant].recall(everything)
        return {one.memory.id: one.memory.content for one in answer.recollections}


TestTwoTenants = TwoTenants.TestCase
TestTwoTenants.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
