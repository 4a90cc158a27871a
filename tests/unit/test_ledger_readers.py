"""The readers: each question sees what was committed, whatever became of the ones before it."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from loci.server.errors import StoreError
from loci.server.ledger.readers import Readers, open_readers
from loci.server.ledger.sqlite import READERS, reading_engine, writing_engine

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "db"
    write(path, "CREATE TABLE notes (n INTEGER)")
    return path


def write(path: Path, statement: str) -> None:
    with writing_engine(path).begin() as connection:
        connection.execute(text(statement))


@asynccontextmanager
async def prepared(path: Path) -> AsyncGenerator[Readers]:
    with anyio.fail_after(20):
        async with open_readers(reading_engine(path)) as readers:
            yield readers


def count(connection: Connection) -> int:
    return connection.scalar(text("SELECT count(*) FROM notes")) or 0


async def test_each_question_sees_what_was_committed_before_it(path: Path) -> None:
    async with prepared(path) as readers:
        for number in range(2 * READERS):
            assert await readers.read(count) == number
            write(path, f"INSERT INTO notes VALUES ({number})")


async def test_a_question_that_fails_leaves_its_connection_to_others(path: Path) -> None:
    async with prepared(path) as readers:
        for _ in range(2 * READERS):
            with pytest.raises(OperationalError, match="no such table"):
                await readers.read(lambda c: c.scalar(text("SELECT 1 FROM nowhere")))
        assert await readers.read(count) == 0


async def test_who_is_cancelled_waits_for_the_end_of_a_question_but_not_for_its_turn(
    path: Path,
) -> None:
    going, ended = threading.Event(), threading.Semaphore(0)

    def slow(_: Connection) -> None:
        going.wait(20)
        ended.release()

    async with prepared(path) as readers:
        async with anyio.create_task_group() as tasks:
            for _ in range(READERS):
                tasks.start_soon(readers.read, slow)
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0) as waiting:
                await readers.read(slow)
            assert waiting.cancelled_caught
            tasks.cancel_scope.cancel()
            going.set()
        assert [ended.acquire(blocking=False) for _ in range(READERS + 1)] == [True] * READERS + [
            False
        ]
        assert await readers.read(count) == 0


async def test_a_task_that_is_torn_away_takes_no_place_from_others(path: Path) -> None:
    """asyncio cancels so at its end: the thread goes on alone."""
    going = threading.Event()
    async with prepared(path) as readers:
        begun = threading.Event()

        def slow(_: Connection) -> None:
            begun.set()
            going.wait(20)

        torn = [asyncio.create_task(readers.read(slow)) for _ in range(READERS)]
        await anyio.to_thread.run_sync(begun.wait)
        for task in torn:
            task.cancel()
        await asyncio.wait(torn)
        assert await readers.read(count) == 0
        going.set()


async def test_a_closed_ledger_is_not_read_and_leaves_nothing_open(path: Path) -> None:
    going, begun = threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        begun.set()
        going.wait(20)

    async with prepared(path) as readers:
        await readers.read(count)
        torn = asyncio.create_task(readers.read(slow))
        await anyio.to_thread.run_sync(begun.wait)
        torn.cancel()
        await asyncio.wait([torn])
    with pytest.raises(StoreError, match="shutting down"):
        await readers.read(count)
    going.set()
    wal = path.with_name("db-wal")
    with anyio.fail_after(20):
        # SQLite removes it with the last connection.
        while wal.exists():
            await anyio.lowlevel.checkpoint()
