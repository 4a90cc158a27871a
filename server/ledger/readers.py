"""Connections that read, held open and lent out one query at a time.

SQLAlchemy's pool costs more for each check-out (about .35 ms of CPU with aiosqlite) than a point
query does, so the connections are taken from it once and kept.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple, TypeVar, cast

import aiosqlite
import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ..tasks import uninterrupted
from .faults import store_faults
from .prepared import Prepared
from .sqlite import READERS

__all__ = ["Readers", "open_readers"]

T = TypeVar("T")


class _Reader(NamedTuple):
    """A connection, and the driver's beneath it: asking for that each time costs half as much as a point query."""

    connection: AsyncConnection
    driver: aiosqlite.Connection


class Readers:
    """Runs synchronous queries on whichever connection is free. Made by `open_readers`."""

    __slots__ = ("_free", "_give")

    def __init__(
        self,
        give: MemoryObjectSendStream[_Reader],
        free: MemoryObjectReceiveStream[_Reader],
    ) -> None:
        self._give = give
        self._free = free

    async def read(self, query: Callable[[Connection], T]) -> T:
        """The query's result. Each of its statements sees what was committed before it.

        Raises:
            StoreError: the disk, the rights or the file are at fault.
        """
        reader = await self._free.receive()
        try:
            with store_faults():
                # A query that was cut off would leave its connection in an unknown state.
                return await uninterrupted(reader.connection.run_sync(query))
        finally:
            self._give.send_nowait(reader)

    async def fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a prepared statement. Raises as `read`."""
        reader = await self._free.receive()
        try:
            with store_faults():
                found = await uninterrupted(_run(reader.driver, query, values))
        finally:
            self._give.send_nowait(reader)
        return query.rows(found)


async def _run(
    driver: aiosqlite.Connection, query: Prepared, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    rows = await driver.execute_fetchall(query.sql, query.bind(values))
    return cast("list[tuple[Any, ...]]", rows)


@asynccontextmanager
async def open_readers(engine: AsyncEngine) -> AsyncGenerator[Readers]:
    """Hold the engine's connections until the end."""
    give, free = anyio.create_memory_object_stream[_Reader](READERS)
    async with AsyncExitStack() as held, give, free:
        for _ in range(READERS):
            connection = await held.enter_async_context(engine.connect())
            raw = await connection.get_raw_connection()
            driver = cast("aiosqlite.Connection", raw.driver_connection)
            give.send_nowait(_Reader(connection, driver))
        yield Readers(give, free)
