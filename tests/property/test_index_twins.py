"""Through any sequence of remembering, revising, forgetting, feeding, restarts and crashes, recall
through the index, or by codes, gives what exact search over the ledger gives: the same ids, ties aside.

Codes are tested for what is held: so few vectors are all compared. What codes find among many, test_index_coded asks.
"""

import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.engines import Clock, opened
from support.workers import harm

from loci.server.engine import Engine, Limits, Memories
from loci.server.errors import IndexFailed
from loci.server.model import Draft, ForgetMode, Query, Revision

pytestmark = pytest.mark.anyio

TENANT = "somebody"
TOP = 10
"""As many as are put in order by their age: with fewer, which of two equals is among them would decide
over the others' places."""
NEAR_TIE = 1e-4
WORDS = ["harbour", "railway", "garden", "violin", "budget", "Ada", "Bob", "spring", "winter"]


@dataclass
class Twins:
    """Two engines that are told the same: one seeks in the index or by codes, the other compares exactly."""

    home: Path
    through: Literal["index", "codes"]
    clocks: tuple[Clock, Clock] = field(default_factory=lambda: (Clock(), Clock()))
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    engines: list[Engine] = field(default_factory=list[Engine])
    ids: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Of the same memory in each."""
    told: int = 0

    async def open(self) -> None:
        # Beyond `exact_up_to` codes are not for: without an index that is exact.
        exact = Limits(exact_up_to=0)
        seeking = Limits() if self.through == "codes" else exact
        for name, clock, limits in zip(("one", "two"), self.clocks, (seeking, exact), strict=True):
            index = name == "one" and self.through == "index"
            engine = opened(self.home / name, limits=limits, clock=clock, index=index)
            self.engines.append(await self.stack.enter_async_context(engine))

    async def close(self) -> None:
        await self.stack.aclose()
        self.engines.clear()

    async def both(self) -> tuple[Memories, Memories]:
        one, two = self.engines
        return await one.for_tenant(TENANT), await two.for_tenant(TENANT)

    def pick(self, places: list[int]) -> list[tuple[str, str]]:
        """Some of what is there."""
        return [self.ids[place % len(self.ids)] for place in places] if self.ids else []


Step = tuple[str, list[int]]
"""Of `STEPS`, and the places of memories."""


async def remember(twins: Twins, places: list[int]) -> None:
    texts = [" ".join(WORDS[(place + n * n) % len(WORDS)] for n in range(4)) for place in places]
    drafts = [Draft(content=f"{text} {twins.told + n}") for n, text in enumerate(texts)]
    twins.told += len(drafts)
    if drafts:
        one, two = [await memories.remember(drafts) for memories in await twins.both()]
        twins.ids += [(a.id, b.id) for a, b in zip(one, two, strict=True)]


async def revise(twins: Twins, places: list[int]) -> None:
    for pair in twins.pick(places[:3]):
        twins.told += 1
        later = Revision(content=f"{WORDS[places[0] % len(WORDS)]} is new in {twins.told}")
        for memories, name in zip(await twins.both(), pair, strict=True):
            await memories.revise(name, later)


async def forget(twins: Twins, places: list[int], mode: ForgetMode) -> None:
    gone = list(dict.fromkeys(twins.pick(places)))
    if gone:
        for side, memories in enumerate(await twins.both()):
            await memories.forget([pair[side] for pair in gone], mode)
        twins.ids = [pair for pair in twins.ids if pair not in gone]


async def feed(twins: Twins, _: list[int]) -> None:
    while True:
        try:
            assert (await twins.engines[0].feed(TENANT)).state in ("current", "missing", "off")
            return
        except IndexFailed:
            await anyio.lowlevel.checkpoint()


async def restart(twins: Twins, _: list[int]) -> None:
    await twins.close()
    await twins.open()


async def crash(_: Twins, places: list[int]) -> None:
    await harm(signal.SIGKILL if len(places) % 2 else signal.SIGSEGV)


STEPS: dict[str, Callable[[Twins, list[int]], Awaitable[None]]] = {
    "remember": remember,
    "revise": revise,
    "delete": lambda twins, places: forget(twins, places[:4], ForgetMode.DELETE),
    "erase": lambda twins, places: forget(twins, places[:1], ForgetMode.ERASE),
    "archive": lambda twins, places: forget(twins, places[:2], ForgetMode.ARCHIVE),
    "feed": feed,
    "restart": restart,
    "crash": crash,
}


async def compare(twins: Twins) -> None:
    one, two = await twins.both()
    for text in (WORDS[twins.told % len(WORDS)], "Ada and Bob in the garden", "violin budget"):
        found = [await ranked(memories, text) for memories in (one, two)]
        # What was archived comes back when it is found: in both before the next question.
        await one.tidy()
        await two.tidy()
        least = min((score for ranking in found for score in ranking.values()), default=0.0)
        for mine, other in (found, found[::-1]):
            missing = {text: score for text, score in mine.items() if text not in other}
            # Of those that are as good as the last one, either may be left out.
            assert all(score <= least + NEAR_TIE for score in missing.values()), missing


async def ranked(memories: Memories, text: str) -> dict[str, float]:
    query = Query(text=text, limit=TOP, max_tokens=100_000, explain=True)
    found = (await memories.recall(query)).recollections
    return {one.memory.content: one.why.score for one in found if one.why is not None}


def sequences(names: list[str], length: tuple[int, int]) -> st.SearchStrategy[list[Step]]:
    """Steps of these names, remembering more often than the others."""
    least, most = length
    step = st.tuples(
        st.sampled_from([*names, "remember", "remember"]),
        st.lists(st.integers(0, 500), min_size=1, max_size=60),
    )
    return st.lists(step, min_size=least, max_size=most)


async def go_through(twins: Twins, steps: list[Step]) -> None:
    with anyio.fail_after(120):
        await twins.open()
        try:
            for name, places in steps:
                await STEPS[name](twins, places)
                await compare(twins)
        finally:
            await twins.close()


SLOWLY = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
IN_MEMORY = [name for name in STEPS if name not in ("feed", "crash")]


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=SLOWLY)
@given(steps=sequences([*STEPS, "feed"], (4, 14)))
async def test_the_index_answers_as_exact_search_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    await go_through(Twins(tmp_path_factory.mktemp("twins"), "index"), steps)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=SLOWLY)
@given(steps=sequences(IN_MEMORY, (4, 14)))
async def test_codes_answer_as_exact_search_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loci.server.retrieval.matrices.CODED", 0)
        await go_through(Twins(tmp_path_factory.mktemp("twins"), "codes"), steps)


@pytest.mark.parametrize(
    ("through", "names"),
    [
        (
            "index",
            "remember feed revise delete remember feed crash archive remember feed erase restart",
        ),
        ("codes", "remember revise delete remember archive remember erase restart remember"),
    ],
)
async def test_each_answers_as_exact_search_does_through_one_of_each_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    through: Literal["index", "codes"],
    names: str,
) -> None:
    if through == "codes":
        monkeypatch.setattr("loci.server.retrieval.matrices.CODED", 0)
    steps = [(name, list(range(n, n + 40))) for n, name in enumerate(names.split())]
    await go_through(Twins(tmp_path, through), steps)
