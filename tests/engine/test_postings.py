"""Full text in memory, as the engine makes it, and gives it back to who is erased."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked
from support.engines import START, ask, keep
from support.sentences import facts

from loci.server.embedding import HashEmbedder
from loci.server.engine import Engine, Memories, open_engine
from loci.server.errors import NotFound, StoreError
from loci.server.ledger import Ledger, open_ledger
from loci.server.ledger.erase import Erasure
from loci.server.ledger.erase_tenant import ErasedTenant
from loci.server.ledger.erasing import ErasureLedger
from loci.server.ledger.words import Words
from loci.server.model import ForgetMode, Residue
from loci.server.retrieval import Matrices
from loci.server.tokens import TokenCounter

pytestmark = pytest.mark.anyio

FACTS = facts(30)
EMBEDDER = HashEmbedder()
COUNTER = TokenCounter()


class Told(NamedTuple):
    """A tenant who was told facts, and what is held for it."""

    engine: Engine
    memories: Memories
    ids: list[str]
    words: Words
    vectors: Matrices


@pytest.fixture(autouse=True)
def made_of_whatever_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loci.server.ledger.words._FROM", 1)
    monkeypatch.setattr("loci.server.ledger.words._PAUSE", 0)
    # What is tended is tended when a test says so.
    monkeypatch.setattr("loci.server.engine.tending._LINGER", 3600.0)


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> Matrices:
    made = Matrices(1 << 20)

    def only(_: int) -> Matrices:
        return made

    monkeypatch.setattr("loci.server.engine.engine.Matrices", only)
    return made


@asynccontextmanager
async def told(home: Path, vectors: Matrices) -> AsyncGenerator[Told]:
    async with (
        open_ledger(home / "ledger.db") as ledger,
        open_engine(ledger, EMBEDDER, COUNTER, clock=lambda: START) as engine,
    ):
        memories = await engine.for_tenant("a")
        ids = await keep(memories, *FACTS)
        tenant = await ledger.for_tenant(
            "a", model=EMBEDDER.identity, dimension=EMBEDDER.dimension, feeding=False
        )
        yield Told(engine, memories, ids, tenant.words, vectors)


async def test_who_asks_is_answered_from_memory_when_all_was_tended(
    tmp_path: Path, vectors: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.engine.tending._LINGER", 0.0)
    with anyio.fail_after(30):
        async with told(tmp_path, vectors) as one:
            found = await ask(one.memories, "keeper of harbour 5")
            await keep(one.memories, "A lighthouse.")
            while not one.words.held:
                await anyio.lowlevel.checkpoint()
            again = await ask(one.memories, "keeper of harbour 5")
            assert [text for text in again if text in FACTS] == found


async def test_what_is_erased_is_held_by_nobody(tmp_path: Path, vectors: Matrices) -> None:
    with anyio.fail_after(30):
        async with told(tmp_path, vectors) as one:
            await ask(one.memories, "harbour")
            await one.words.renew()
            assert one.words.held
            gone, *_ = one.ids
            residue = (await one.memories.forget([gone], ForgetMode.ERASE)).residue
            assert residue is not None
            assert not residue.found
            assert not one.words.held


async def test_postings_that_are_made_beside_erasures_hold_nothing_of_them(
    tmp_path: Path, vectors: Matrices
) -> None:
    with anyio.fail_after(60):
        async with told(tmp_path, vectors) as one:
            for number, gone in enumerate(one.ids[:8]):
                await ask(one.memories, f"crane {number}")
                async with anyio.create_task_group() as tasks:
                    for _ in range(2):
                        tasks.start_soon(one.words.renew)
                    tasks.start_soon(one.memories.forget, [gone], ForgetMode.ERASE)
                found = await ask(one.memories, FACTS[number])
                assert found
                assert set(found) <= set(FACTS[number + 1 :])


async def test_nothing_is_held_of_a_tenant_that_was_erased(
    tmp_path: Path, vectors: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = Ledger.erase_tenant

    async with told(tmp_path, vectors) as one:

        async def asked_before(ledger: Ledger, name: str, now: datetime) -> ErasedTenant:
            await ask(one.memories, "harbour")
            await one.words.renew()
            assert one.words.held
            assert one.vectors.size()
            return await erase(ledger, name, now)

        monkeypatch.setattr(Ledger, "erase_tenant", asked_before)
        with anyio.fail_after(30):
            await one.engine.erase_tenant("a")
            with pytest.raises(StoreError, match="erased meanwhile"):
                await ask(one.memories, "keeper")
            await one.words.renew()
        assert not one.words.held
        assert not one.vectors.size()


async def test_who_asks_while_a_tenant_is_erased_finds_a_new_one(
    tmp_path: Path, vectors: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ErasureLedger.residue
    answers: list[list[str]] = []

    async with told(tmp_path, vectors) as one, anyio.create_task_group() as tasks:
        assert await ask(one.memories, "harbour")

        async def again() -> None:
            answers.append(await ask(await one.engine.for_tenant("a"), "harbour"))

        async def slowly(ledger: ErasureLedger, erasure: Erasure) -> Residue:
            tasks.start_soon(again)
            await wait_all_tasks_blocked()
            assert not answers
            return await look(ledger, erasure)

        monkeypatch.setattr(ErasureLedger, "residue", slowly)
        with anyio.fail_after(30):
            assert (await one.engine.erase_tenant("a")).memories == len(FACTS)
    assert answers == [[]]


async def test_of_two_who_erase_a_tenant_one_finds_none(tmp_path: Path, vectors: Matrices) -> None:
    found: list[int] = []

    async with told(tmp_path, vectors) as one:

        async def erase() -> None:
            try:
                found.append((await one.engine.erase_tenant("a")).memories)
            except NotFound:
                found.append(-1)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(erase)
    assert sorted(found) == [-1, len(FACTS)]


async def test_a_tenant_whose_residue_could_not_be_sought_can_be_made_anew(
    tmp_path: Path, vectors: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(ledger: ErasureLedger, erasure: Erasure) -> Residue:
        raise StoreError("It was erased, but the scan for residue failed.")

    async with told(tmp_path, vectors) as one:
        monkeypatch.setattr(ErasureLedger, "residue", fails)
        with anyio.fail_after(30):
            with pytest.raises(StoreError, match="scan"):
                await one.engine.erase_tenant("a")
            memories = await one.engine.for_tenant("a")
            await keep(memories, "A lighthouse.")
            assert await ask(memories, "lighthouse harbour") == ["A lighthouse."]
