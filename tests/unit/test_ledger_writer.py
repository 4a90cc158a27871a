"""The writer: groups commits, answers everybody, and drains before it ends."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Connection, text

from loci.server.errors import StoreError
from loci.server.ledger.jobs import Do
from loci.server.ledger.sqlite import writing_engine
from loci.server.ledger.writer import Writer

pytestmark = pytest.mark.anyio


def append(number: int) -> Do[int]:
    """Writes a number down; its result is the number of the transaction that did."""

    def job(connection: Connection) -> int:
        connection.execute(text("INSERT INTO notes VALUES (:n)"), {"n": number})
        if number < 0:
            raise ValueError(number)
        return number

    return Do(job)


def written(path: Path) -> list[int]:
    with writing_engine(path).connect() as connection:
        return list(connection.scalars(text("SELECT n FROM notes ORDER BY n")))


@asynccontextmanager
async def prepared(path: Path) -> AsyncGenerator[Writer]:
    """A writer that nobody runs yet, within a time limit."""
    engine = writing_engine(path)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (n INTEGER)"))
    with anyio.fail_after(20):
        yield Writer(engine)


async def test_what_waits_together_commits_together(tmp_path: Path) -> None:
    async with prepared(tmp_path / "db") as writer:
        commits: list[int] = []

        def counted(number: int) -> Do[None]:
            def job(connection: Connection) -> None:
                connection.execute(text("INSERT INTO notes VALUES (:n)"), {"n": number})
                raw = connection.connection.driver_connection
                commits.append(id(connection.get_transaction()))
                assert raw is not None

            return Do(job)

        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as callers:
                for number in range(50):
                    callers.start_soon(writer.write, counted(number))
                # Only now does the writer begin: all fifty are waiting.
                tasks.start_soon(writer.run)
            await writer.close()
        assert written(tmp_path / "db") == list(range(50))
        assert len(set(commits)) == 1


async def test_a_failing_job_takes_nobody_with_it(tmp_path: Path) -> None:
    async with prepared(tmp_path / "db") as writer:
        failed: list[int] = []

        async def call(number: int) -> None:
            try:
                assert await writer.write(append(number)) == number
            except ValueError as error:
                failed.append(error.args[0])

        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as callers:
                for number in (1, -2, 3, -4, 5):
                    callers.start_soon(call, number)
                tasks.start_soon(writer.run)
            await writer.close()
        assert sorted(failed) == [-4, -2]
        assert written(tmp_path / "db") == [1, 3, 5]


async def test_what_was_accepted_is_written_before_the_end(tmp_path: Path) -> None:
    async with prepared(tmp_path / "db") as writer:
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(writer.write, append(number))
            await anyio.wait_all_tasks_blocked()
            await writer.close()
            tasks.start_soon(writer.run)
        assert written(tmp_path / "db") == list(range(10))
        with pytest.raises(StoreError, match="shutting down"):
            await writer.write(append(11))


async def test_a_cancelled_caller_leaves_the_writer_working(tmp_path: Path) -> None:
    async with prepared(tmp_path / "db") as writer:
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as callers:
                callers.start_soon(writer.write, append(1))
                await anyio.wait_all_tasks_blocked()
                callers.cancel_scope.cancel()
            tasks.start_soon(writer.run)
            assert await writer.write(append(2)) == 2
            await writer.close()
        assert written(tmp_path / "db") == [2]
