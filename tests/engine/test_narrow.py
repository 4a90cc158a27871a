"""Narrow filters: compared one by one, with vectors that are held and never those of what is gone."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from support.engines import ask, opened

from loci.server.engine import Limits, Memories
from loci.server.ledger import TenantLedger
from loci.server.ledger.vectors import IndexRows
from loci.server.model import Draft, Filters, ForgetMode, Revision

pytestmark = pytest.mark.anyio

MINE = Filters(tags=("mine",))


async def fill(memories: Memories) -> list[str]:
    drafts = [
        Draft(content=f"word{n} word{n % 7} word{n % 5}", tags=("mine",) if n % 3 else ())
        for n in range(90)
    ]
    return [one.id for one in await memories.remember(drafts)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many versions the ledger gave with their vectors, each time."""
    counts: list[int] = []
    read = TenantLedger.index_rows

    async def counted(self: TenantLedger, seqs: Sequence[int]) -> IndexRows:
        counts.append(len(seqs))
        return await read(self, seqs)

    monkeypatch.setattr(TenantLedger, "index_rows", counted)
    return counts


@pytest.mark.parametrize("exact_up_to", [0, 1000])
async def test_what_was_chosen_is_read_once(
    tmp_path: Path, reads: list[int], exact_up_to: int
) -> None:
    """Not at all in a small tenant, of which everything is held."""
    limits = Limits(exact_up_to=exact_up_to)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories)
            await engine.feed("a")
            found = await ask(memories, "word7 word3", MINE)
            assert (60 in reads) is (exact_up_to == 0)
            reads.clear()
            assert await ask(memories, "word7 word3", MINE) == found
            assert 60 not in reads


@pytest.mark.parametrize("exact_up_to", [0, 1000])
async def test_what_is_found_is_as_if_nothing_were_held(tmp_path: Path, exact_up_to: int) -> None:
    limits = Limits(exact_up_to=exact_up_to)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=limits, index=True) as engine:
            memories = await engine.for_tenant("a")
            ids = await fill(memories)
            await engine.feed("a")
            await ask(memories, "word7 word3", MINE)
            await memories.revise(ids[1], Revision(content="word7 word3 new"))
            await memories.forget([ids[2]])
            await memories.forget([ids[4]], ForgetMode.ARCHIVE)
            await memories.forget([ids[5]], ForgetMode.ERASE)
            held = await ask(memories, "word7 word3", MINE)
        async with opened(tmp_path, limits=limits) as engine:
            assert await ask(await engine.for_tenant("a"), "word7 word3", MINE) == held
    assert "word7 word3 new" in held
    assert not {"word1 word1 word1", "word2 word2 word2", "word5 word5 word0"} & {*held}


async def test_what_was_erased_is_held_no_longer(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=Limits(exact_up_to=0), index=True) as engine:
            memories = await engine.for_tenant("a")
            ids = await fill(memories)
            await engine.feed("a")
            await ask(memories, "word7 word3", MINE)
            receipt = await memories.forget([ids[1]], ForgetMode.ERASE)
            assert receipt.residue is not None
            assert receipt.residue.found == ()
            assert "word1 word1 word1" not in await ask(memories, "word1", MINE)
