"""What the home of a tenant's generations promises, in directories and on a Chroma server."""

from collections.abc import AsyncGenerator
from pathlib import Path
from zlib import crc32

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from support.engines import ask, keep, opened

from loci.server.engine import Limits
from loci.server.errors import IndexDamaged
from loci.server.index import Generations, Shelves
from loci.server.index.folders import folder_of
from loci.server.index.running import open_shelves

pytestmark = pytest.mark.anyio

DIMENSION = 8


@pytest.fixture(params=["folders", pytest.param("server", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the generations are: a server's address, or None for directories."""
    return request.getfixturevalue("server") if request.param == "server" else None


@pytest.fixture
async def shelves(url: str | None, tmp_path: Path) -> AsyncGenerator[Shelves]:
    async with open_shelves(tmp_path, url) as found:
        yield found


def unit(seed: int, count: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


async def test_a_generation_is_built_opened_extended_and_removed(shelves: Shelves) -> None:
    mine = shelves.of("me", "model", DIMENSION)
    vectors = unit(1, 300)
    with anyio.fail_after(60):
        draft = await mine.begin()
        await draft.upsert(np.arange(200), vectors[:200])
        first = await draft.seal(7)
        await draft.aclose()
        draft = await mine.extend(first, 7)
        await draft.upsert(np.arange(200, 300), vectors[200:])
        await draft.delete(np.arange(10))
        second = await draft.seal(9)
        await draft.aclose()
        index = await mine.open(second, 9)
        assert await index.count() == 290
        (found,) = await index.search(vectors[250:251], 1)
        assert found.ids.tolist() == [250]
        await index.aclose()
        await mine.sweep(second)
        await (await mine.open(second, 9)).aclose()
        await mine.sweep(None)
        with pytest.raises(IndexDamaged):
            await mine.open(second, 9)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_draft_that_is_not_sealed_is_gone(shelves: Shelves, tmp_path: Path) -> None:
    mine = shelves.of("me", "model", DIMENSION)
    with anyio.fail_after(60):
        draft = await mine.begin()
        await draft.upsert(np.arange(5), unit(1, 5))
        await draft.aclose()
        await draft.aclose()
    assert not files(tmp_path)


async def test_what_is_not_there_cannot_be_opened_or_extended(shelves: Shelves) -> None:
    mine = shelves.of("me", "model", DIMENSION)
    with anyio.fail_after(60):
        for take in (mine.open, mine.extend):
            with pytest.raises(IndexDamaged):
                await take("0123456789abcdef", 3)


def sums(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each file what it holds and when it was written to."""
    return {
        str(path.relative_to(folder)): (crc32(path.read_bytes()), path.stat().st_mtime_ns)
        for path in files(folder)
    }


async def sealed(mine: Generations, count: int) -> str:
    draft = await mine.begin()
    await draft.upsert(np.arange(count), unit(1, count))
    name = await draft.seal(1)
    await draft.aclose()
    return name


async def test_searching_and_extending_leave_a_generation_as_it_was_sealed(tmp_path: Path) -> None:
    """The searched copy shares files with it."""
    with anyio.fail_after(60):
        async with open_shelves(tmp_path) as shelves:
            mine = shelves.of("me", "model", DIMENSION)
            name = await sealed(mine, 1500)
            folder = folder_of(tmp_path, "me") / name
            before = sums(folder)
            index = await mine.open(name, 1)
            shared = {path.suffix for path in files(folder) if path.stat().st_nlink > 1}
            assert shared == {".bin", ".pickle"}
            await index.search(unit(2, 300), 100)
            assert await index.holds(np.arange(1500))
            draft = await mine.extend(name, 1)
            await draft.upsert(np.arange(1000, 3000), unit(3, 2000))
            await draft.seal(2)
            await draft.aclose()
            await index.search(unit(2, 300), 100)
            await index.aclose()
            assert sums(folder) == before
            await (await mine.open(name, 1)).aclose()


async def test_what_is_fed_twice_is_not_dead(tmp_path: Path) -> None:
    """What was written while a generation was built comes again from the outbox. Only what was removed is
    dead, and of that only what was there."""
    with anyio.fail_after(60):
        async with open_shelves(tmp_path) as shelves:
            mine = shelves.of("me", "model", DIMENSION)
            name = await sealed(mine, 2500)
            draft = await mine.extend(name, 1)
            await draft.upsert(np.arange(2500), unit(1, 2500))
            again = await draft.seal(2)
            await draft.aclose()
            draft = await mine.extend(again, 2)
            assert await draft.count() == 2500
            await draft.delete(np.arange(1500))
            await draft.delete(np.arange(1500))
            thinned = await draft.seal(3)
            await draft.aclose()
            with pytest.raises(IndexDamaged, match="1,500 of its vectors are dead"):
                await mine.extend(thinned, 3)


async def test_a_generation_that_was_written_to_after_it_was_checked_is_refused(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(60):
        async with open_shelves(tmp_path) as shelves:
            mine = shelves.of("me", "model", DIMENSION)
            name = await sealed(mine, 1500)
            index = await mine.open(name, 1)
            (copy,) = folder_of(tmp_path, "me").glob("copy-*")
            (shared,) = copy.rglob("data_level0.bin")
            with shared.open("rb+") as file:
                file.write(b"?")
            for take in (mine.open, mine.extend):
                with pytest.raises(IndexDamaged, match="changed after it was sealed"):
                    await take(name, 1)
            await index.aclose()


async def test_tenants_have_generations_of_their_own(shelves: Shelves) -> None:
    mine, theirs = (shelves.of(name, "model", DIMENSION) for name in ("me", "them"))
    with anyio.fail_after(60):
        draft = await mine.begin()
        await draft.upsert(np.arange(5), unit(1, 5))
        name = await draft.seal(1)
        await draft.aclose()
        with pytest.raises(IndexDamaged):
            await theirs.open(name, 1)


@pytest.mark.slow
async def test_an_engine_keeps_its_index_through_a_restart(url: str | None, tmp_path: Path) -> None:
    texts = [f"Fact {number} of {number % 7}" for number in range(100)]
    through = Limits(exact_up_to=0)
    with anyio.fail_after(60):
        async with opened(tmp_path, limits=through, index=True, url=url) as engine:
            await keep(await engine.for_tenant("a"), *texts)
            built = await engine.feed("a")
            assert (built.state, built.searched) == ("current", "through the index")
        async with opened(tmp_path, limits=through, index=True, url=url) as engine:
            memories = await engine.for_tenant("a")
            assert await engine.feed("a") == built
            await keep(memories, "something new")
            assert (await ask(memories, "something new"))[0] == "something new"
            status = await engine.feed("a")
            assert (status.state, status.vectors) == ("current", 101)
            assert (await ask(memories, "something new"))[0] == "something new"
            assert (await ask(memories, texts[3]))[0] == texts[3]
