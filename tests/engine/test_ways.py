"""Which way a tenant's vectors are searched, when that changes, and who waits for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from support.engines import ask, keep, opened
from support.sentences import facts

from loci.server.embedding import HashEmbedder
from loci.server.engine import Engine, Limits
from loci.server.engine.feed import Feed
from loci.server.errors import IndexFailed
from loci.server.home import DATABASE
from loci.server.index import ExactIndex, coded_bytes
from loci.server.index.folders import folder_of
from loci.server.ledger import IndexLedger, Ledger, TenantLedger, open_ledger
from loci.server.ledger.erase_tenant import ErasedTenant
from loci.server.ledger.vectors import IndexRows
from loci.server.model import ForgetMode
from loci.server.retrieval.dense import Dense
from loci.server.retrieval.matrices import Matrices

pytestmark = pytest.mark.anyio

FEW = 40
EMBEDDER = HashEmbedder(64)


@pytest.fixture(autouse=True)
def by_codes_from_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loci.server.retrieval.matrices.CODED", FEW)
    # Indexes are fed when a test says so.
    monkeypatch.setattr("loci.server.engine.feeding._LINGER", 3600.0)


class Reading:
    """Whoever reads many vectors waits after the last of them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = anyio.Event(), anyio.Event()
        pages = IndexLedger.pages

        async def slowly(ledger: IndexLedger) -> AsyncGenerator[IndexRows]:
            async for rows in pages(ledger):
                yield rows
            if await ledger.count() > FEW:
                self.begun.set()
                await self.go_on.wait()

        patch.setattr(IndexLedger, "pages", slowly)


def places_for(count: int) -> int:
    """A budget of which half has room for so many vectors with codes, and some more."""
    return 2 * coded_bytes(EMBEDDER.dimension, count + count // 8)


async def searched(engine: Engine, tenant: str) -> str:
    return (await engine.index(tenant)).searched


@asynccontextmanager
async def reopened(home: Path) -> AsyncGenerator[TenantLedger]:
    """The ledger of tenant a, with more vectors than are compared one by one."""
    async with opened(home, embedder=EMBEDDER) as engine:
        await keep(await engine.for_tenant("a"), *facts(60))
    async with open_ledger(home / DATABASE) as ledger:
        yield await ledger.for_tenant(
            "a", model=EMBEDDER.identity, dimension=EMBEDDER.dimension, feeding=True
        )


async def generation(ledger: TenantLedger) -> ExactIndex:
    """All that is in the ledger."""
    made = ExactIndex(EMBEDDER.dimension)
    async for rows in ledger.index.pages():
        await made.upsert(rows.ids, rows.vectors)
    return made


async def test_who_finds_no_place_is_served_though_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(matrices=places_for(60))
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, embedder=EMBEDDER, index=True) as engine:
            for name in "ab":
                memories = await engine.for_tenant(name)
                await keep(memories, *facts(60))
                await engine.feed(name)
        async with opened(tmp_path, limits=limits, embedder=EMBEDDER, index=True) as engine:
            for name in "ab":
                await engine.feed(name)
                # Nothing is held yet, so each would have a place.
                assert await searched(engine, name) == "by codes"
            monkeypatch.setattr("loci.server.engine.feeding._LINGER", 0.0)
            monkeypatch.setattr("loci.server.engine.feeding._PAUSE", 0)
            for name in "ab":
                assert facts(1)[0] in await ask(await engine.for_tenant(name), facts(1)[0])
            while await searched(engine, "b") != "through the index":
                await anyio.lowlevel.checkpoint()
            assert await searched(engine, "a") == "by codes"
            assert facts(1)[0] in await ask(await engine.for_tenant("b"), facts(1)[0])
            # Its place is free then.
            await engine.erase_tenant("a")
            assert facts(2)[1] in await ask(await engine.for_tenant("b"), facts(2)[1])
            assert await searched(engine, "b") == "by codes"
            while list(folder_of(tmp_path / "index", "b").glob("copy-*")):
                await anyio.lowlevel.checkpoint()


async def test_what_cannot_be_given_back_of_an_erased_tenant_is_in_its_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Dense.aclose

    async def fail(dense: Dense) -> None:
        await close(dense)
        raise IndexFailed("a copy cannot be removed")

    async with opened(tmp_path, embedder=EMBEDDER) as engine:
        await keep(await engine.for_tenant("a"), *facts(2))
        with monkeypatch.context() as patched:
            patched.setattr(Dense, "aclose", fail)
            receipt = await engine.erase_tenant("a")
        assert receipt.memories == 2
        assert "vector index" in receipt.residue.scanned
        assert receipt.residue.found == ("vector index: a copy cannot be removed",)
        assert await ask(await engine.for_tenant("a"), facts(1)[0]) == []


async def test_what_is_built_while_its_tenant_is_erased_is_gone_when_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = Ledger.erase_tenant
    with anyio.fail_after(60):
        async with opened(tmp_path, embedder=EMBEDDER, index=True) as engine:
            await keep(await engine.for_tenant("a"), *facts(60))
            reading = Reading(monkeypatch)

            async def built_before(ledger: Ledger, name: str, now: datetime) -> ErasedTenant:
                await reading.begun.wait()
                return await erase(ledger, name, now)

            monkeypatch.setattr("loci.server.engine.feeding._LINGER", 0.0)
            monkeypatch.setattr(Ledger, "erase_tenant", built_before)
            # It is fed once more, for its index was thrown away.
            assert (await engine.erase_tenant("a")).memories == 60
            assert list(folder_of(tmp_path / "index", "a").glob("*")) == []
            reading.go_on.set()


async def test_a_feed_that_fails_keeps_its_pause_however_often_it_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Feed] = []
    failed = anyio.Event()

    async def step(feed: Feed) -> None:
        steps.append(feed)
        failed.set()
        raise IndexFailed("not now")

    monkeypatch.setattr(Feed, "step", step)
    monkeypatch.setattr(Feed, "is_far_behind", property(lambda _: True))
    monkeypatch.setattr("loci.server.engine.feeding._LINGER", 0.0)
    monkeypatch.setattr("loci.server.engine.feeding._RETRY", 3600.0)
    with anyio.fail_after(30):
        async with opened(tmp_path, limits=Limits(exact_up_to=20), index=True) as engine:
            memories = await engine.for_tenant("a")
            await failed.wait()
            for fact in facts(30):
                await keep(memories, fact)
                await ask(memories, fact)
            await anyio.wait_all_tasks_blocked()
    assert len(steps) == 1


async def test_nobody_waits_for_vectors_of_another_tenant_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as engine:
        await keep(await engine.for_tenant("a"), *facts(60))
    reading = Reading(monkeypatch)
    with anyio.fail_after(30):
        async with opened(tmp_path) as engine, anyio.create_task_group() as tasks:
            memories, other = await engine.for_tenant("a"), await engine.for_tenant("b")
            for fact in facts(2, 60):
                tasks.start_soon(keep, memories, fact)
            await reading.begun.wait()
            await keep(other, "The lighthouse is red.")
            assert await ask(other, "a red lighthouse") == ["The lighthouse is red."]
            reading.go_on.set()


async def test_what_is_given_back_while_it_is_read_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrices = Matrices(1 << 20)
    async with reopened(tmp_path) as ledger:
        dense = Dense(ledger, matrices, 1000)
        reading = Reading(monkeypatch)
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(dense.nearest, np.eye(1, 64, dtype=np.float32), 1)
                await reading.begun.wait()
                await dense.aclose()
                reading.go_on.set()
        # Who was answered last holds nothing either.
        await dense.nearest(np.eye(1, 64, dtype=np.float32), 1)
        await dense.among(np.eye(1, 64, dtype=np.float32)[0], [range(1, 9)], 1)
        assert matrices.size() == 0
        made, after = await generation(ledger), await ledger.index.last()
        await dense.serve(made, after)
        assert not dense.served


async def test_what_is_served_while_it_is_read_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrices = Matrices(1 << 20)
    async with reopened(tmp_path) as ledger:
        dense = Dense(ledger, matrices, exact_up_to=50)
        made, after = await generation(ledger), await ledger.index.last()
        reading = Reading(monkeypatch)
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(dense.nearest, np.eye(1, 64, dtype=np.float32), 1)
                await reading.begun.wait()
                await dense.serve(made, after)
                reading.go_on.set()
        assert dense.served
        assert matrices.size() == 0
        await dense.aclose()


async def test_what_is_searched_through_the_index_is_read_again_only_when_far_fewer_are_left(
    tmp_path: Path,
) -> None:
    limits = Limits(exact_up_to=80)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, embedder=EMBEDDER, index=True) as engine:
            memories = await engine.for_tenant("a")
            ids = await keep(memories, *facts(81))
            ways = [(await engine.feed("a")).searched]
            for gone in (ids[:5], ids[5:10]):
                await memories.forget(gone, ForgetMode.DELETE)
                ways.append((await engine.feed("a")).searched)
                assert facts(1, 50)[0] in await ask(memories, facts(1, 50)[0])
            assert ways == ["through the index", "through the index", "by codes"]


async def test_who_has_a_place_keeps_it_until_the_vectors_take_more(tmp_path: Path) -> None:
    limits = Limits(matrices=places_for(60))
    async with opened(tmp_path, embedder=EMBEDDER) as engine:
        await keep(await engine.for_tenant("a"), *facts(60))
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, embedder=EMBEDDER, index=True) as engine:
            memories = await engine.for_tenant("a")
            assert facts(1)[0] in await ask(memories, facts(1)[0])
            ways: list[str] = []
            for start, more in ((60, 3), (63, 20)):
                await keep(memories, *facts(more, start))
                ways.append((await engine.feed("a")).searched)
                assert facts(1, start)[0] in await ask(memories, facts(1, start)[0])
            assert ways == ["by codes", "through the index"]
