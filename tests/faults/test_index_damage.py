"""Damaged, foreign, stale, lost, slow and hanging indexes: noticed, thrown away, built anew; recall is
right all the time."""

import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from support.engines import ask, keep, opened
from support.workers import harm, workers

from loci.server.engine import Engine, Limits, Memories
from loci.server.errors import IndexFailed
from loci.server.index import Worker
from loci.server.index.folders import folder_of
from loci.server.index.seal import read_seal, write_seal

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

POISONED = Path(__file__).with_name("poisoned_worker.py")
THROUGH = Limits(exact_up_to=0)
TEXTS = [f"Fact {number} of {number % 7} and {number % 11}." for number in range(1200)]
"""More than Chroma keeps out of its graph's files."""


@asynccontextmanager
async def running(home: Path) -> AsyncGenerator[tuple[Engine, Memories]]:
    with anyio.fail_after(90):
        async with opened(home, limits=THROUGH, index=True) as engine:
            yield engine, await engine.for_tenant("a")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two tenants whose indexes are current."""
    home = tmp_path_factory.mktemp("built")

    async def build() -> None:
        async with opened(home, limits=THROUGH, index=True) as engine:
            for tenant in ("a", "b"):
                memories = await engine.for_tenant(tenant)
                for start in range(0, len(TEXTS), 100):
                    texts = TEXTS[start : start + 100]
                    await keep(memories, *(f"{tenant}: {text}" for text in texts))
                await engine.feed(tenant)

    anyio.run(build)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "home")


def generation(home: Path, tenant: str = "a") -> Path:
    (found,) = folder_of(home / "index", tenant).iterdir()
    return found


def largest(home: Path) -> Path:
    files = [path for path in generation(home).rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def truncate(home: Path) -> None:
    os.truncate(largest(home), largest(home).stat().st_size // 2)


def flip_a_bit(home: Path) -> None:
    with largest(home).open("rb+") as file:
        file.seek(70_000)
        (byte,) = file.read(1)
        file.seek(70_000)
        file.write(bytes([byte ^ 4]))


def delete_a_file(home: Path) -> None:
    largest(home).unlink()


def delete_all(home: Path) -> None:
    shutil.rmtree(home / "index")


def blow_up(home: Path) -> None:
    os.truncate(largest(home), 100 << 30)


def swap_tenants(home: Path) -> None:
    mine, other = generation(home), generation(home, "b")
    spare = home / "index" / "spare"
    mine.rename(spare)
    other.rename(mine)
    spare.rename(other)


def lose_the_seal(home: Path) -> None:
    (generation(home) / "seal.json").unlink()


def go_back_in_time(home: Path) -> None:
    """What was sealed earlier, under the name that the ledger knows."""
    _seal_again(home, sequence=700)


def change_the_model(home: Path) -> None:
    _seal_again(home, identity="another model's")


def _seal_again(home: Path, **changed: Any) -> None:
    seal = asdict(read_seal(generation(home)))
    seal.pop("files")
    write_seal(generation(home), **{**seal, **changed})


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        blow_up,
        swap_tenants,
        truncate,
        delete_a_file,
        delete_all,
        lose_the_seal,
        go_back_in_time,
        change_the_model,
    ],
)
async def test_a_damaged_index_is_noticed_and_built_anew(
    home: Path, damage: Callable[[Path], None]
) -> None:
    damage(home)
    async with running(home) as (engine, memories):
        assert (await ask(memories, TEXTS[50]))[0] == f"a: {TEXTS[50]}"
        status = await engine.feed("a")
        assert (status.state, status.searched) == ("current", "through the index")
        assert status.reason not in ("", "there was none")
        for text in TEXTS[::200]:
            assert f"a: {text}" in await ask(memories, text)
    assert len(list(folder_of(home / "index", "a").iterdir())) == 1


async def test_a_read_only_index_is_searched_and_extended_elsewhere(home: Path) -> None:
    """What may not be written is never written: it is copied."""
    for path in generation(home).rglob("*"):
        path.chmod(0o400 if path.is_file() else 0o500)
    async with running(home) as (engine, memories):
        status = await engine.feed("a")
        assert (status.state, status.reason) == ("current", "there was none")
        await keep(memories, "something new")
        assert (await engine.feed("a")).state == "current"
        assert (await ask(memories, "something new"))[0] == "something new"


async def test_what_a_crash_left_is_swept_away(home: Path) -> None:
    folder = folder_of(home / "index", "a")
    name = generation(home).name
    for left in ("draft-0", "copy-0", "0123"):
        shutil.copytree(generation(home), home / left)
    for left in ("draft-0", "copy-0", "0123"):
        (home / left).rename(folder / left)
    async with running(home) as (engine, _):
        await engine.feed("a")
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGSTOP])
async def test_a_worker_that_crashes_or_hangs_costs_no_answer(
    home: Path, how: signal.Signals
) -> None:
    async with running(home) as (engine, memories):
        await engine.feed("a")
        assert await harm(how)
        assert (await ask(memories, TEXTS[50]))[0] == f"a: {TEXTS[50]}"
        await keep(memories, "meanwhile")
        assert (await ask(memories, "meanwhile"))[0] == "meanwhile"
        status = await fed(engine)
        assert (status, await is_built_at(engine)) == ("current", True)
        assert (await ask(memories, TEXTS[51]))[0] == f"a: {TEXTS[51]}"


async def is_built_at(engine: Engine) -> bool:
    return (await engine.index("a")).built_at is not None


async def fed(engine: Engine) -> str:
    """Feed, again and again while the worker has its break."""
    while True:
        try:
            return (await engine.feed("a")).state
        except IndexFailed:
            await anyio.lowlevel.checkpoint()


async def test_a_generation_that_crashes_its_worker_is_thrown_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are as they were sealed, and yet the worker dies over them."""
    poisoned = partial(Worker, command=(sys.executable, str(POISONED)))
    monkeypatch.setattr("loci.server.index.running.Worker", poisoned)
    name = generation(home).name
    (generation(home) / "poison").touch()
    _seal_again(home)
    async with running(home) as (engine, memories):
        for _ in range(2):
            assert (await ask(memories, TEXTS[50]))[0] == f"a: {TEXTS[50]}"
            assert await fed(engine) == "current"
        status = await engine.index("a")
        assert "SIGSEGV" in status.reason
        assert status.searched == "through the index"
        assert (await ask(memories, TEXTS[50]))[0] == f"a: {TEXTS[50]}"
        assert generation_in_use(home) != name


def generation_in_use(home: Path) -> str:
    folder = folder_of(home / "index", "a")
    return next(path.name for path in folder.iterdir() if not path.name.startswith("copy-"))


async def test_no_worker_outlives_the_engine(home: Path) -> None:
    async with running(home) as (engine, memories):
        await keep(memories, "more")
        await engine.feed("a")
        assert workers()
    assert not workers()


async def test_a_full_disk_leaves_the_old_generation_in_use(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(home) as (engine, memories):
        before = await engine.feed("a")
        await keep(memories, "late")
        monkeypatch.setattr("loci.server.index.folders.write_seal", full)
        with pytest.raises(IndexFailed, match="No space left"):
            await engine.feed("a")
        assert (await ask(memories, "late"))[0] == "late"
        monkeypatch.undo()
        after = await engine.index("a")
        assert (after.state, after.built_at) == ("behind", before.built_at)
        assert (await engine.feed("a")).state == "current"


def full(*_: object, **__: object) -> None:
    raise OSError(28, os.strerror(28))
