"""Connections that read, each lent to one question at a time, which runs on a worker thread from its
first statement to what is made of its last row: one hop, however many statements it takes.

SQLAlchemy's pool costs more for each check-out than a point query does, so the connections are opened
when they are first needed, and kept here.
"""

import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import anyio
from anyio import to_thread
from sqlalchemy import Connection, Engine

from ..errors import SHUTTING_DOWN, StoreError
from .faults import store_faults
from .prepared import Prepared
from .sqlite import READERS

__all__ = ["Fetch", "Readers", "open_readers"]

T = TypeVar("T")

Fetch: TypeAlias = Callable[[Prepared, Mapping[str, Any]], list[tuple[Any, ...]]]
"""The rows of a prepared statement. Blocks: for use on a worker thread."""


class _Reader(NamedTuple):
    """A connection, and the driver's beneath it: asking for that each time costs half as much as a point query."""

    connection: Connection
    driver: sqlite3.Connection

    def fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return query.rows(self.driver.execute(query.sql, query.bind(values)).fetchall())


class Readers:
    """Runs synchronous queries on whichever connection is free. Made by `open_readers`."""

    __slots__ = ("_closed", "_engine", "_free", "_places")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._places = anyio.CapacityLimiter(READERS)
        self._free: deque[_Reader] = deque()
        self._closed = False

    async def read(self, query: Callable[[Connection], T]) -> T:
        """The query's result. Each of its statements sees what was committed before it. A cancellation
        waits for its end.

        Raises:
            StoreError: the disk, the rights or the file are at fault; or the ledger was closed.
        """
        return await self._lent(lambda reader: query(reader.connection))

    async def ask(self, question: Callable[[Fetch], T]) -> T:
        """What a question makes of the rows that it fetches. As `read`."""
        return await self._lent(lambda reader: question(reader.fetch))

    async def fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a prepared statement. As `read`."""
        return await self._lent(lambda reader: reader.fetch(query, values))

    def close(self) -> None:
        """Close the connections, those that are lent when they come back, and lend no more. Blocks."""
        self._closed = True
        while (reader := self._taken()) is not None:
            reader.connection.close()

    async def _lent(self, work: Callable[[_Reader], T]) -> T:
        return await to_thread.run_sync(self._run, work, limiter=self._places)

    def _run(self, work: Callable[[_Reader], T]) -> T:
        if self._closed:
            raise StoreError(SHUTTING_DOWN)
        with store_faults():
            reader = self._taken() or self._opened()
            try:
                return work(reader)
            finally:
                self._free.append(reader)
                if self._closed:
                    self.close()

    def _taken(self) -> _Reader | None:
        """A free one. Other threads take them as well."""
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _opened(self) -> _Reader:
        connection = self._engine.connect()
        driver = connection.connection.driver_connection
        return _Reader(connection, cast("sqlite3.Connection", driver))


@asynccontextmanager
async def open_readers(engine: Engine) -> AsyncGenerator[Readers]:
    """Readers whose connections are opened when they are first needed, and held until the end."""
    readers = Readers(engine)
    try:
        yield readers
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(readers.close)
