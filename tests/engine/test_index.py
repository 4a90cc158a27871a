"""The index behind recall: fed, served, kept complete by the tail, and gone without harm."""

import signal
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from support.engines import ask, contents, keep, opened
from support.workers import harm

from loci.server.embedding import HashEmbedder
from loci.server.engine import Limits, Memories
from loci.server.ledger import as_kept, open_ledger
from loci.server.model import Draft, Filters, ForgetMode, Query, Revision

pytestmark = pytest.mark.anyio

THROUGH = Limits(exact_up_to=0)
"""Everything is sought through the index."""
FEW = 300


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes are fed when a test says so, and not behind it."""
    monkeypatch.setattr("loci.server.engine.feeding._LINGER", 3600.0)


def sentences(count: int, start: int = 0) -> list[str]:
    """Texts of which each shares words with many others."""
    rng = np.random.default_rng(start)
    words = [f"word{one}" for one in range(40)]
    return [
        f"Note {number}: {' '.join(rng.choice(words, 6))}" for number in range(start, start + count)
    ]


async def fill(memories: Memories, texts: list[str]) -> None:
    for start in range(0, len(texts), 100):
        await keep(memories, *texts[start : start + 100])


async def near(memories: Memories, text: str, filters: Filters | None = None) -> list[str]:
    """What is near in meaning: one word is asked for, so that words alone find little."""
    return await ask(memories, text, filters)


async def test_what_the_index_finds_is_what_exact_search_finds(tmp_path: Path) -> None:
    texts = sentences(FEW)
    with anyio.fail_after(60):
        async with (
            opened(tmp_path / "one", limits=THROUGH, index=True) as engine,
            opened(tmp_path / "two", limits=THROUGH) as exact,
        ):
            memories, twin = await engine.for_tenant("a"), await exact.for_tenant("a")
            await fill(memories, texts)
            await fill(twin, texts)
            before = await engine.index("a")
            assert (before.state, before.searched) == ("missing", "exactly")
            assert before.waiting == FEW
            status = await engine.feed("a")
            assert (status.state, status.searched) == ("current", "through the index")
            assert (status.vectors, status.waiting) == (FEW, 0)
            for text in texts[::30]:
                assert await near(memories, text) == await near(twin, text)


async def test_what_is_not_in_the_index_yet_is_found_and_what_is_gone_is_not(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, sentences(FEW))
            await engine.feed("a")
            (new,) = await keep(memories, "Ada likes quiet harbours")
            assert (await near(memories, "quiet harbours"))[0] == "Ada likes quiet harbours"
            await memories.revise(new, Revision(content="Ada likes loud railways"))
            assert "Ada likes quiet harbours" not in await near(memories, "quiet harbours")
            assert (await near(memories, "loud railways"))[0] == "Ada likes loud railways"
            (old,) = [m.id for m in (await memories.page(limit=100)).memories[1:2]]
            gone = (await memories.get(old)).content
            await memories.forget([old])
            assert gone not in await near(memories, gone)
            await memories.restore([old])
            assert (await near(memories, gone))[0] == gone
            status = await engine.index("a")
            assert status.state == "behind"
            assert status.waiting == 5
            status = await engine.feed("a")
            assert (status.state, status.waiting) == ("current", 0)
            assert (await near(memories, gone))[0] == gone
            assert (await near(memories, "loud railways"))[0] == "Ada likes loud railways"


async def test_a_restart_serves_the_same_generation(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            await fill(await engine.for_tenant("a"), sentences(FEW))
            built = await engine.feed("a")
        (folder,) = (tmp_path / "index").iterdir()
        assert len(list(folder.iterdir())) == 1
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            again = await engine.feed("a")
            assert again == built
            assert again.searched == "through the index"
            assert (await near(memories, sentences(FEW)[7]))[0] == sentences(FEW)[7]


async def test_erasing_leaves_nothing_in_the_index(tmp_path: Path) -> None:
    secret = "The code of the vault is 7719"
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, sentences(FEW))
            (name,) = await keep(memories, secret)
            await engine.feed("a")
            vector = await HashEmbedder().embed_documents([secret])
            kept = as_kept(vector).tobytes()
            assert holds(tmp_path / "index", kept)
            receipt = await memories.forget([name], ForgetMode.ERASE)
            assert receipt.residue is not None
            assert receipt.residue.found == ()
            assert "vector index" in receipt.residue.scanned
            assert not holds(tmp_path / "index", kept)
            status = await engine.feed("a")
            assert status.state == "current"
            assert status.reason == "a memory was erased"
            assert not holds(tmp_path / "index", kept)


async def test_erasing_leaves_nothing_in_a_copy_that_failed_a_search(tmp_path: Path) -> None:
    secret = "The code of the vault is 7719"
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, sentences(FEW))
            (name,) = await keep(memories, secret)
            await engine.feed("a")
            kept = as_kept(await HashEmbedder().embed_documents([secret])).tobytes()
            await harm(signal.SIGKILL)
            assert (await near(memories, secret))[0] == secret
            receipt = await memories.forget([name], ForgetMode.ERASE)
            assert receipt.residue is not None
            assert receipt.residue.found == ()
            assert not holds(tmp_path / "index", kept)


@pytest.mark.slow
async def test_an_erasure_that_was_cut_off_after_its_commit_leaves_nothing_either(
    tmp_path: Path,
) -> None:
    """The ledger alone erases, as when the process is killed before it tells the index."""
    secret = "The code of the vault is 7719"
    model = HashEmbedder()
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            (name,) = await keep(memories, secret)
            await fill(memories, sentences(FEW))
            await engine.feed("a")
        kept = as_kept(await model.embed_documents([secret])).tobytes()
        assert holds(tmp_path / "index", kept)
        async with open_ledger(tmp_path / "ledger.db") as ledger:
            mine = await ledger.for_tenant("a", model=model.identity, dimension=model.dimension)
            await mine.erasure.erase([name])
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            status = await engine.feed("a")
            assert (status.state, status.vectors) == ("current", FEW)
            assert status.reason == "a memory was erased"
            assert not holds(tmp_path / "index", kept)


async def test_writes_go_on_while_the_index_is_fed(tmp_path: Path) -> None:
    texts = sentences(FEW)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, texts)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(engine.feed, "a")
                for number in range(20):
                    ids = await keep(memories, f"meanwhile {number}", f"gone {number}")
                    await memories.forget(
                        ids[1:], ForgetMode.ERASE if number == 9 else ForgetMode.DELETE
                    )
                    assert (await near(memories, f"meanwhile {number}"))[0] == f"meanwhile {number}"
            while (status := await engine.feed("a")).state != "current":
                pass
            assert status.vectors == FEW + 20
            for number in range(20):
                assert (await near(memories, f"meanwhile {number}"))[0] == f"meanwhile {number}"
                assert f"gone {number}" not in await near(memories, f"gone {number}")


def holds(folder: Path, piece: bytes) -> bool:
    return any(piece in path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_what_is_erased_before_it_was_fed_costs_no_rebuild(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, sentences(FEW))
            built = await engine.feed("a")
            (name,) = await keep(memories, "soon gone")
            await memories.forget([name], ForgetMode.ERASE)
            assert await engine.index("a") == built


@pytest.mark.slow
async def test_another_model_gets_an_index_of_its_own(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            await fill(await engine.for_tenant("a"), sentences(FEW))
            await engine.feed("a")
        small = HashEmbedder(dimension=48)
        async with opened(tmp_path, limits=THROUGH, index=True, embedder=small) as engine:
            memories = await engine.for_tenant("a")
            assert (await engine.index("a")).state == "missing"
            while (await engine.index("a")).vectors < FEW:
                await anyio.lowlevel.checkpoint()
            status = await engine.feed("a")
            assert (status.state, status.vectors) == ("current", FEW)
            assert (await near(memories, sentences(FEW)[7]))[0] == sentences(FEW)[7]


@pytest.mark.slow
async def test_without_an_index_nothing_is_kept_for_one_and_later_it_is_built_whole(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            await keep(await engine.for_tenant("a"), "first")
            await engine.feed("a")
        async with opened(tmp_path, limits=THROUGH) as engine:
            await keep(await engine.for_tenant("a"), "second")
            assert (await engine.index("a")).state == "off"
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            status = await engine.feed("a")
            assert (status.state, status.vectors, status.waiting) == ("current", 2, 0)
            assert sorted(await contents(memories)) == ["first", "second"]


@pytest.mark.slow
async def test_an_index_with_many_dead_vectors_is_built_anew(tmp_path: Path) -> None:
    with anyio.fail_after(90):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            memories = await engine.for_tenant("a")
            texts = sentences(1800)
            await fill(memories, texts)
            await engine.feed("a")
            await forget_half(memories)
            assert (await engine.feed("a")).reason == "there was none"
            await keep(memories, "one more")
            status = await engine.feed("a")
            assert "dead" in status.reason
            assert (status.state, status.vectors) == ("current", 601)


async def forget_half(memories: Memories) -> None:
    cursor, ids = None, list[str]()
    while len(ids) < 1200:
        page = await memories.page(cursor=cursor, limit=100)
        ids += [one.id for one in page.memories]
        cursor = page.cursor
    for start in range(0, 1200, 100):
        await memories.forget(ids[start : start + 100])


@pytest.mark.parametrize("share", [2, 40])
async def test_filters_give_the_same_through_the_index(tmp_path: Path, share: int) -> None:
    """A narrow filter is compared exactly, a wide one filters what the index finds."""
    texts = sentences(FEW)
    with anyio.fail_after(60):
        async with (
            opened(tmp_path / "one", limits=THROUGH, index=True) as engine,
            opened(tmp_path / "two", limits=THROUGH) as exact,
        ):
            both: list[list[str]] = []
            for one in (engine, exact):
                memories = await one.for_tenant("a")
                drafts = [
                    Draft(content=text, tags=("mine",) if place % share == 0 else ())
                    for place, text in enumerate(texts)
                ]
                for start in range(0, FEW, 100):
                    await memories.remember(drafts[start : start + 100])
                if one is engine:
                    await one.feed("a")
                both.append(await near(memories, texts[3], Filters(tags=("mine",))))
            assert both[0] == both[1]
            assert both[0][0] in texts[::share]
            assert set(both[0]) <= set(texts[::share])


async def test_tenants_have_indexes_of_their_own(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=THROUGH, index=True) as engine:
            for tenant in ("a", "b"):
                await fill(await engine.for_tenant(tenant), sentences(20, ord(tenant)))
                await engine.feed(tenant)
            assert len(list((tmp_path / "index").iterdir())) == 2
            for tenant in ("a", "b"):
                mine = set(sentences(20, ord(tenant)))
                memories = await engine.for_tenant(tenant)
                assert set(await near(memories, "word1 word2 word3")) <= mine
                query = Query(text=sentences(20, ord("a"))[0], limit=20, max_tokens=10_000)
                found = {one.memory.content for one in (await memories.recall(query)).recollections}
                assert found <= mine


async def test_a_tenant_of_few_vectors_is_searched_exactly_whatever_its_index(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=Limits(exact_up_to=25), index=True) as engine:
            memories = await engine.for_tenant("a")
            await fill(memories, sentences(20))
            assert (await engine.feed("a")).searched == "exactly"
            await fill(memories, sentences(10, 20))
            assert (await engine.feed("a")).searched == "through the index"
