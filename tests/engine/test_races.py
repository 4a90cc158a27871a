"""What happens between two steps: other calls, expiry, failures, the end."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from support.engines import START, Clock, ask, contents, keep, open_memories

from loci.server.embedding import HashEmbedder, Vectors, shipped
from loci.server.engine import Memories
from loci.server.engine.gather import Gatherer
from loci.server.errors import NotFound, StoreError
from loci.server.ledger import open_ledger, residue
from loci.server.model import Draft, Filters, ForgetMode, Query, Revision, Tier
from loci.server.tasks import task_group

pytestmark = pytest.mark.anyio


class Slow(HashEmbedder):
    """Waits, before it embeds a text with the word `slow`, for the test's word."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = anyio.Event()
        self.go_on = anyio.Event()

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if any("slow" in text for text in texts):
            self.reached.set()
            await self.go_on.wait()
        if any("crash" in text for text in texts):
            raise RuntimeError("not an expected failure")
        return await super().embed_documents(texts)


async def test_a_deleted_memory_is_hidden_from_every_time(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (code,) = await keep(memories, "The vault code is 4711.")
        clock.pass_days(1)
        await memories.revise(code, Revision(content="The vault code is 4712."))
        clock.pass_days(1)
        await memories.forget([code])
        then = Filters(known_at=START + timedelta(hours=1))
        assert await ask(memories, "vault code", then) == []
        await memories.restore([code])
        assert await ask(memories, "vault code", then) == ["The vault code is 4711."]


async def test_who_asks_while_others_ask_and_memories_go_and_come_back_leaves_them_in_their_places(
    tmp_path: Path,
) -> None:
    """The session's neighbours are kept up beside the ledger: they must be as if they were read anew."""
    things = ("bicycle", "boat", "door", "kettle", "scarf", "tent", "violin", "lamp")

    async def beside(memories: Memories) -> dict[str, float]:
        query = Query(text="Which colour is it painted?", limit=100, explain=True)
        whys = {one.memory.content: one.why for one in (await memories.recall(query)).recollections}
        return {text: round(why.signals["beside"], 4) for text, why in whys.items() if why}

    async with open_memories(tmp_path, embedder=shipped()) as memories:
        said = [
            text
            for thing in things
            for text in (f"Which colour is the {thing}?", f"Turquoise, the old {thing}.")
        ]
        drafts = [
            Draft(content=text, speaker="ada", session="talk", at=START + timedelta(minutes=n))
            for n, text in enumerate(said)
        ]
        ids = [one.id for one in await memories.remember(drafts)]

        async def go_and_come_back(mine: Sequence[str]) -> None:
            for one in mine:
                await memories.forget([one])
                await beside(memories)
                await memories.restore([one])

        with anyio.fail_after(30):
            async with task_group() as tasks:
                for start in range(4):
                    tasks.start_soon(go_and_come_back, ids[start::4])
        kept = await beside(memories)
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        assert kept == await beside(memories)
    assert any(kept.values())


async def test_what_is_forgotten_and_restored_at_once_stays_between_its_neighbours(
    tmp_path: Path,
) -> None:
    """Who restores is told of it no sooner than who forgot."""
    question, reply = "Which colour is the boat?", "Turquoise, the old boat."

    async def beside(memories: Memories) -> list[float]:
        answer = await memories.recall(Query(text=question, explain=True))
        return [round(one.why.signals["beside"], 4) for one in answer.recollections if one.why]

    async with open_memories(tmp_path, embedder=shipped()) as memories:
        drafts = [
            Draft(content=text, speaker="ada", session="talk", at=START + timedelta(minutes=n))
            for n, text in enumerate((question, reply))
        ]
        _, replied = await memories.remember(drafts)
        before = await beside(memories)
        assert all(before)
        with anyio.fail_after(30):
            for _ in range(10):
                async with task_group() as tasks:
                    tasks.start_soon(memories.forget, [replied.id])
                    tasks.start_soon(memories.restore, [replied.id])
                assert await beside(memories) == before


async def test_a_revision_under_way_does_not_undo_an_archiving(tmp_path: Path) -> None:
    embedder = Slow()
    async with open_memories(tmp_path, embedder=embedder) as memories:
        (one,) = await keep(memories, "As it was.")
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(memories.revise, one, Revision(content="Changed, slowly: slow."))
                await embedder.reached.wait()
                await memories.forget([one], ForgetMode.ARCHIVE)
                embedder.go_on.set()
        memory = await memories.get(one)
        assert (memory.content, memory.tier) == ("Changed, slowly: slow.", Tier.COLD)


async def test_recorded_time_only_goes_forward(tmp_path: Path) -> None:
    clock, embedder = Clock(), Slow()
    async with open_memories(tmp_path, clock=clock, embedder=embedder) as memories:
        (port,) = await keep(memories, "The port is 80.")
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                late = [Draft(content="The slow port is 82.", supersedes=(port,))]
                tasks.start_soon(memories.remember, late)
                await embedder.reached.wait()
                clock.pass_days(1)
                await memories.revise(port, Revision(content="The port is 81."))
                embedder.go_on.set()
        versions = await memories.history(port)
        assert [v.version for v in versions] == [1, 2, 3]
        for earlier, later in pairwise(versions):
            assert earlier.recorded_at < later.recorded_at
            assert earlier.replaced_at == later.recorded_at


async def test_a_repeat_of_what_will_expire_sooner_is_stored(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.remember([Draft(content="Tea at four.", expires_in=3600)])
        (again,) = await memories.remember([Draft(content="Tea at four.")])
        assert again.status == "stored"
        clock.pass_days(1)
        assert await contents(memories) == ["Tea at four."]


async def test_a_repeat_of_what_its_own_batch_supersedes_is_stored(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (port,) = await keep(memories, "Port 80.")
        batch = [Draft(content="Port 81.", supersedes=(port,)), Draft(content="Port 80.")]
        await memories.remember(batch)
        assert sorted(await contents(memories)) == ["Port 80.", "Port 81."]


async def test_expired_memories_do_not_crowd_out_living_ones(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        short = [Draft(content=f"The river is wide {n}.", expires_in=60) for n in range(40)]
        await memories.remember([*short, Draft(content="A river.")])
        clock.pass_days(1)
        assert await ask(memories, "The river is wide") == ["A river."]


async def test_a_restored_memory_is_not_erased_by_a_late_expiry(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (one,) = await keep(memories, "Restored in time.")
        await memories.forget([one])
        await memories.restore([one])
    clock.pass_days(31)
    model = HashEmbedder()
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        mine = await ledger.for_tenant("somebody", model=model.identity, dimension=model.dimension)
        assert (await mine.erasure.erase([one], due=clock())).ids == ()
        assert list(await mine.current([one])) == [one]


async def test_a_scan_that_fails_leaves_nothing_that_shows_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "The secret is quokka.")
        assert "quokka" in (await memories.hot()).text
        monkeypatch.setattr(residue, "_SCRIPT", tmp_path / "nowhere.py")
        with pytest.raises(StoreError, match="It was erased, but"):
            await memories.forget([one], ForgetMode.ERASE)
        assert "quokka" not in (await memories.hot()).text
        assert await ask(memories, "secret quokka") == []


async def test_one_callers_unexpected_failure_stops_nobody_else(tmp_path: Path) -> None:
    embedder = Slow()
    ended: list[str] = []
    async with open_memories(tmp_path, embedder=embedder) as memories:

        async def call(text: str) -> None:
            try:
                await keep(memories, text)
            except RuntimeError:
                ended.append(text)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for text in ("One.", "A crash.", "Two.", "Three."):
                    tasks.start_soon(call, text)
        assert ended == ["A crash."]
        assert sorted(await contents(memories)) == ["One.", "Three.", "Two."]


async def test_erasing_is_all_or_none(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "Kept.")
        with pytest.raises(NotFound):
            await memories.forget([one, "m000000000000"], ForgetMode.ERASE)
        assert await contents(memories) == ["Kept."]


async def test_the_end_leaves_nobody_waiting() -> None:
    async def work(items: Sequence[int]) -> Sequence[int]:
        await anyio.sleep_forever()
        return items

    gather = Gatherer(work)
    told: list[int] = []

    async def call(number: int) -> None:
        with pytest.raises(StoreError, match="shutting down"):
            await gather(number)
        told.append(number)

    with anyio.fail_after(10):
        async with task_group() as callers, task_group() as serving:
            serving.start_soon(gather.run)
            for number in range(60):
                callers.start_soon(call, number)
            await anyio.wait_all_tasks_blocked()
            serving.cancel_scope.cancel()
    assert sorted(told) == list(range(60))
