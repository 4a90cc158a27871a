"""Tenants of more vectors than are compared one by one, and fewer than the index is for."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest
from support.engines import ask, keep, opened
from support.sentences import facts

from loci.server.engine import Limits, Memories
from loci.server.ledger import IndexLedger, TenantLedger
from loci.server.ledger.vectors import IndexRows
from loci.server.model import Draft, Filters, ForgetMode, Query

pytestmark = pytest.mark.anyio

FEW = 40


@pytest.fixture(autouse=True)
def by_codes_from_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loci.server.retrieval.matrices.CODED", FEW)


async def test_what_grows_is_searched_exactly_then_by_codes_then_through_the_index(
    tmp_path: Path,
) -> None:
    limits = Limits(exact_up_to=120)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, index=True) as engine:
            memories = await engine.for_tenant("a")
            for start, searched in ((0, "exactly"), (30, "exactly"), (60, "by codes")):
                await keep(memories, *facts(30, start))
                assert (await engine.feed("a")).searched == searched
                first, last = facts(1)[0], facts(1, start + 29)[0]
                assert first in (await ask(memories, first))[:10]
                assert last in (await ask(memories, last))[:10]
                assert (await engine.index("a")).searched == searched
            await keep(memories, *facts(31, 90))
            assert (await engine.feed("a")).searched == "through the index"
            assert facts(1)[0] in (await ask(memories, facts(1)[0]))[:10]


async def by_meaning(
    memories: Memories, text: str, filters: Filters | None = None
) -> dict[str, float]:
    """The contents that are near in meaning, whatever words they share, with their cosines."""
    query = Query(text=text, filters=filters or Filters(), limit=50, explain=True)
    found = (await memories.recall(query)).recollections
    return {
        one.memory.content: one.why.cosine
        for one in found
        if one.why is not None and one.why.cosine is not None
    }


async def test_codes_are_kept_up_with_what_is_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("a")
        gone, *_ = await keep(memories, *facts(100))
        assert (await engine.index("a")).searched == "by codes"
        assert facts(1)[0] in await by_meaning(memories, facts(1)[0])
        residue = (await memories.forget([gone], ForgetMode.ERASE)).residue
        assert residue is not None
        assert not residue.found
        await keep(memories, "The lighthouse is painted red.")
        assert (await engine.index("a")).searched == "by codes"
        assert facts(1)[0] not in await by_meaning(memories, facts(1)[0])
        assert "The lighthouse is painted red." in await by_meaning(memories, "a red lighthouse")


async def test_what_a_filter_chooses_is_found_by_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("a")
        await keep(memories, *facts(95))
        talk = [Draft(content=f"Crane {n} is broken.", session="talk") for n in range(5)]
        await memories.remember(talk)
        await ask(memories, "Which crane?")
        assert (await engine.index("a")).searched == "by codes"
        # From here on vectors come from memory, or not at all.
        monkeypatch.delattr(IndexLedger, "pages")
        monkeypatch.delattr(TenantLedger, "index_rows")
        found = await by_meaning(memories, "Which crane is broken?", Filters(session="talk"))
        assert sorted(found) == [draft.content for draft in talk]


async def test_where_there_is_no_room_for_codes_the_index_is_searched(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=Limits(matrices=1000), index=True) as engine:
            memories = await engine.for_tenant("a")
            await keep(memories, *facts(60))
            assert facts(1)[0] in (await ask(memories, facts(1)[0]))[:10]
            assert (await engine.feed("a")).searched == "through the index"
            assert facts(1)[0] in (await ask(memories, facts(1)[0]))[:10]


async def test_what_is_changed_while_vectors_are_read_does_not_wait_and_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("a")
        lighthouse, harbour = await keep(memories, "The lighthouse is red.", *facts(1))
        await keep(memories, *facts(90, 1))
        await memories.forget([lighthouse], ForgetMode.DELETE)
    pages = IndexLedger.pages
    read, go_on = anyio.Event(), anyio.Event()

    async def slowly(self: IndexLedger) -> AsyncGenerator[IndexRows]:
        async for rows in pages(self):
            yield rows
        read.set()
        await go_on.wait()

    monkeypatch.setattr(IndexLedger, "pages", slowly)
    with anyio.fail_after(30):
        async with opened(tmp_path) as engine, anyio.create_task_group() as tasks:
            memories = await engine.for_tenant("a")
            tasks.start_soon(ask, memories, facts(1)[0])
            await read.wait()
            await memories.restore([lighthouse])
            await memories.forget([harbour], ForgetMode.DELETE)
            go_on.set()
            query = Query(text="a lighthouse in red paint", explain=True)
            first = (await memories.recall(query)).recollections[0]
            assert first.memory.content == "The lighthouse is red."
            assert first.why is not None
            assert first.why.cosine is not None
            assert facts(1)[0] not in await ask(memories, facts(1)[0])
