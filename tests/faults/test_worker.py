"""The index worker crashes, hangs, babbles, is starved: whoever asks hears of it, and it is replaced."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from loci.server.errors import IndexDamaged, IndexFailed
from loci.server.index import ChromaIndex, Folder, Worker
from loci.server.index.chroma import Limits
from loci.server.index.frames import Garbled, Question, from_answer, from_question, unpack
from loci.server.index.places import Address
from loci.server.index.worker import PROGRAM

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HERE = Path(__file__).parent
DIMENSION = 64
ASKED = Address(Folder(HERE / "nowhere"), DIMENSION)
COUNT, MISBEHAVE = Question("count", ASKED), Question("delete", ASKED)
PATIENCE = 30


@asynccontextmanager
async def working(
    command: Sequence[str] = PROGRAM,
    *,
    idle_seconds: float | None = None,
    start_seconds: float = PATIENCE,
) -> AsyncGenerator[Worker]:
    """A worker that is kept running; nothing of it is left afterwards."""
    with anyio.fail_after(2 * PATIENCE):
        async with anyio.create_task_group() as tasks:
            worker = Worker(idle_seconds=idle_seconds, start_seconds=start_seconds, command=command)
            tasks.start_soon(worker.run)
            yield worker
            tasks.cancel_scope.cancel()
    assert psutil.Process().children() == []


def misbehaving(how: str) -> list[str]:
    return [sys.executable, str(HERE / "index_child.py"), how]


def process() -> psutil.Process:
    (child,) = psutil.Process().children()
    return child


def vectors(count: int, seed: int = 1, dimension: int = DIMENSION) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


async def until_answered(worker: Worker, question: Question) -> int:
    """The answer, asked for again and again while the worker is in its break."""
    while True:
        try:
            return (await worker.ask(question, seconds=PATIENCE)).count
        except IndexFailed:
            await anyio.sleep(0.01)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - of another process there is no event
            await anyio.sleep(0.01)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("crashes", "SIGSEGV"),
        ("exits", "exit status 3, out of luck"),
        ("stops half-way", "exit status 0"),
        ("babbles", "unexpected bytes"),
        ("talks nonsense", "cannot be read"),
    ],
)
async def test_a_worker_that_ends_or_babbles_is_replaced_and_all_who_wait_are_told(
    how: str, told: str
) -> None:
    async with working(misbehaving(how)) as worker:
        await worker.ask(COUNT, seconds=PATIENCE)
        heard: list[str] = []

        async def ask() -> None:
            with pytest.raises(IndexFailed) as raised:
                await worker.ask(MISBEHAVE, seconds=PATIENCE)
            heard.append(str(raised.value))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask)
        assert len(heard) == 5
        assert all(told in text for text in heard), heard
        assert await until_answered(worker, COUNT) == 0


async def test_a_worker_that_hangs_is_killed_when_time_is_up() -> None:
    async with working(misbehaving("keeps silent")) as worker:
        await worker.ask(COUNT, seconds=PATIENCE)
        first = process().pid
        with pytest.raises(IndexFailed, match=r"no answer to 'delete' in 0\.05 s"):
            await worker.ask(MISBEHAVE, seconds=0.05)
        assert await until_answered(worker, COUNT) == 0
        assert process().pid != first


async def test_a_worker_that_never_comes_is_not_waited_for_for_ever() -> None:
    async with working(misbehaving("never comes"), start_seconds=0.3) as worker:
        with pytest.raises(IndexFailed, match=r"not ready in 0\.3 s"):
            await worker.ask(COUNT, seconds=PATIENCE)


async def test_a_slow_start_is_no_hang() -> None:
    async with working(misbehaving("comes late")) as worker:
        assert (await worker.ask(COUNT, seconds=0.4)).count == 0


async def test_a_program_that_is_not_there_is_said_to_be() -> None:
    async with working([str(HERE / "no-such-program")]) as worker:
        with pytest.raises(IndexFailed, match="cannot be started"):
            await worker.ask(COUNT, seconds=PATIENCE)


async def test_an_answer_makes_the_next_break_a_short_one_again() -> None:
    async with working(misbehaving("crashes")) as worker:
        for _ in range(3):
            await until_answered(worker, COUNT)
            await told(worker, MISBEHAVE, "SIGSEGV")
            await told(worker, COUNT, r"started again in 0\.1 s")


async def test_the_breaks_between_crashes_grow() -> None:
    async with working(misbehaving("crashes at once")) as worker:
        breaks: list[float] = []
        for _ in range(3):
            await anyio.sleep(breaks[-1] if breaks else 0)
            with pytest.raises(IndexFailed) as raised:
                await worker.ask(COUNT, seconds=PATIENCE)
            breaks += [float(x) for x in re.findall(r"again in (\S+) s", str(raised.value))]
        assert breaks == [0.1, 0.2, 0.4]


async def test_an_idle_worker_is_ended_and_comes_back_when_it_is_asked() -> None:
    async with working(misbehaving("not at all"), idle_seconds=0.1) as worker:
        await worker.ask(COUNT, seconds=PATIENCE)
        first = process().pid
        await until(lambda: gone(first))
        assert not worker.running
        assert (await worker.ask(COUNT, seconds=PATIENCE)).count == 0


async def test_nobody_waits_for_a_worker_that_is_shut_down() -> None:
    async with anyio.create_task_group() as asking:
        async with working(misbehaving("keeps silent")) as worker:
            await worker.ask(COUNT, seconds=PATIENCE)
            asking.start_soon(told, worker, MISBEHAVE, "shut down")
            await anyio.wait_all_tasks_blocked()
        await told(worker, COUNT, "was shut down")


async def test_who_is_cancelled_disturbs_nobody(tmp_path: Path) -> None:
    async with working() as worker, opened(worker, tmp_path) as index:
        child = process()
        child.suspend()
        async with anyio.create_task_group() as tasks:
            # More than the pipe holds: the frame is cut somewhere.
            tasks.start_soon(index.upsert, np.arange(2560), vectors(2560))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await index.count()
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(index.search, vectors(2), 5)
            await anyio.wait_all_tasks_blocked()
            child.resume()
        assert process() == child
        assert await index.count() in (0, 256)


async def test_what_was_answered_outlives_a_crash(tmp_path: Path) -> None:
    async with working() as worker, opened(worker, tmp_path) as index:
        await index.upsert(np.arange(300), vectors(300))
        process().send_signal(signal.SIGSEGV)
        await until(lambda: not worker.running)
        assert await until_answered(worker, Question("count", Address(Folder(tmp_path), 64))) == 300
        (found,) = await index.search(vectors(300)[17:18], 1)
        assert found.ids.tolist() == [17]


async def test_a_search_that_hangs_fails_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async with working() as worker, opened(worker, tmp_path, Limits(search=0.1)) as index:
        await index.upsert(np.arange(10), vectors(10))
        process().suspend()
        with pytest.raises(IndexFailed, match="no answer to 'search'"):
            await index.search(vectors(1), 3)
        await until_answered(worker, Question("count", Address(Folder(tmp_path), 64)))
        (found,) = await index.search(vectors(1), 3)
        assert len(found.ids) == 3


@pytest.mark.parametrize("many", [4, 20])
async def test_few_descriptors_are_enough_for_many_collections(tmp_path: Path, many: int) -> None:
    starved = ["sh", "-c", 'ulimit -n 64 && exec "$0" "$@"', *PROGRAM]
    async with working(starved) as worker:
        indexes = [
            await ChromaIndex.open(worker, Folder(tmp_path / str(one)), DIMENSION, create=True)
            for one in range(many)
        ]
        for round_ in range(2):
            for place, index in enumerate(indexes):
                ids = np.arange(10) + 10 * round_
                await index.upsert(ids, vectors(10, seed=100 * place + round_))
        async with anyio.create_task_group() as tasks:
            for place, index in enumerate(indexes):
                tasks.start_soon(finds, index, place)
        assert process().num_fds() < 64


async def finds(index: ChromaIndex, place: int) -> None:
    for round_ in range(2):
        found = await index.search(vectors(10, seed=100 * place + round_), 1)
        assert [one.ids[0] for one in found] == [*range(10 * round_, 10 * round_ + 10)]


@pytest.mark.skipif(sys.platform != "linux", reason="another process cannot be bounded")
async def test_a_full_disk_is_told_and_the_worker_goes_on(tmp_path: Path) -> None:
    async with working() as worker:
        place = Folder(tmp_path / "full")
        index = await ChromaIndex.open(worker, place, 384, create=True)
        process().rlimit(psutil.RLIMIT_FSIZE, (1_000_000, psutil.RLIM_INFINITY))
        with pytest.raises(IndexFailed, match="disk I/O error"):
            await index.upsert(np.arange(4000), vectors(4000, dimension=384))
        await index.aclose()
        async with opened(worker, tmp_path / "other") as other:
            await other.upsert(np.arange(300), vectors(300))
            assert await other.count() == 300


async def test_a_new_index_holds_nothing_of_another(tmp_path: Path) -> None:
    """Not even in the room that its files have to spare."""
    async with working() as worker:
        for round_ in range(15):
            secret = vectors(1, seed=1000 + round_, dimension=256)
            for name in ("old", "new"):
                place = Folder(tmp_path / f"{name} {round_}")
                index = await ChromaIndex.open(worker, place, 256, create=True)
                await index.upsert(np.arange(200), vectors(200, dimension=256))
                if name == "old":
                    await index.upsert(np.array([999]), secret)
                await index.search(vectors(4, dimension=256), 3)
                await index.aclose()
            files = [path for path in place.path.rglob("*") if path.is_file()]
            assert not any(secret.tobytes()[:256] in path.read_bytes() for path in files)


async def test_damaged_files_are_told_from_other_failures(tmp_path: Path) -> None:
    async with working() as worker:
        async with opened(worker, tmp_path / "sound") as index:
            await index.upsert(np.arange(1100), vectors(1100))
        for file in ("chroma.sqlite3", "header.bin", "index_metadata.pickle"):
            folder = tmp_path / f"without {file}"
            shutil.copytree(tmp_path / "sound", folder)
            (path,) = folder.rglob(file)
            path.write_bytes(b"?" * 5000)
            with pytest.raises(IndexDamaged):
                await ChromaIndex.open(worker, Folder(folder), DIMENSION, create=False)


@pytest.mark.parametrize("stopped", [False, *([True] if sys.platform == "linux" else [])])
async def test_no_worker_outlives_a_server_that_was_killed(tmp_path: Path, stopped: bool) -> None:
    """Also while it works; on Linux even if it cannot see the end of its input."""
    command = [sys.executable, str(HERE / "index_parent.py"), str(tmp_path)]
    async with await anyio.open_process(command, stderr=None) as server:
        assert server.stdout is not None
        child = int(await server.stdout.receive())
        if stopped:
            os.kill(child, signal.SIGSTOP)
        server.kill()
    await until(lambda: gone(child))


def test_a_server_imports_nothing_of_chroma() -> None:
    script = "import sys, loci.server.index; assert not {'chromadb', 'structlog'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", script], check=True)


@given(st.binary(), st.binary(), st.binary())
def test_any_bytes_are_a_frame_or_garbled(header: bytes, ids: bytes, rest: bytes) -> None:
    for read in (from_question, from_answer):
        try:
            read(unpack(header, ids, rest))
        except Garbled:
            continue


@asynccontextmanager
async def opened(
    worker: Worker, folder: Path, limits: Limits | None = None
) -> AsyncGenerator[ChromaIndex]:
    """An index that is made and closed."""
    index = await ChromaIndex.open(
        worker, Folder(folder), DIMENSION, create=True, limits=limits or Limits()
    )
    yield index
    await index.aclose()


async def told(worker: Worker, question: Question, text: str) -> None:
    with pytest.raises(IndexFailed, match=text):
        await worker.ask(question, seconds=PATIENCE)
