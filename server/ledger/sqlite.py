"""Connections to SQLite: one that writes, some that read; for whoever runs on a thread.

Through SQLAlchemy's asynchronous face each statement is a hop to its connection's thread and back, a
dozen for a group of writes, and on a busy machine each waits for its turn.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, NullPool, create_engine, event

from .fulltext import PIECES, UNPACKED
from .packing import unpack_text
from .terms import pieces

__all__ = ["READERS", "reading_engine", "writing_engine"]

READERS = 4
"""Readers at once. Each has a page cache of its own."""

_COMMON = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)
# Order matters: the journal's mode is the first thing that needs the file.
_WRITING = (
    "PRAGMA cache_size=-2000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
)
# A reader's cache grows with what it reads: a tenth less for full text at 100,000 memories.
_READING = ("PRAGMA cache_size=-8000", "PRAGMA query_only=ON")


class _Cursor(Protocol):
    def execute(self, sql: str) -> object: ...
    def close(self) -> None: ...


class _Connection(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...
    def create_function(
        self, name: str, arguments: int, function: Callable[..., str], *, deterministic: bool
    ) -> None: ...


def writing_engine(path: Path) -> Engine:
    """One connection. Transactions begin IMMEDIATE, so that they never fail half-way as busy."""
    engine = _engine(path, (*_COMMON, *_WRITING))
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(path: Path) -> Engine:
    """Several connections that cannot write. Each statement sees what was committed before it."""
    engine = _engine(path, (*_COMMON, *_READING))
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _engine(path: Path, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        # Who takes a connection keeps it.
        poolclass=NullPool,
        pool_reset_on_return=None,
        # Whoever uses one comes on another thread each time, but never two at once.
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _preparing(pragmas))
    return engine


def _preparing(pragmas: tuple[str, ...]) -> Callable[[_Connection, object], None]:
    def prepare(connection: _Connection, _record: object) -> None:
        # The driver must not begin transactions on its own: `begin` events do.
        connection.isolation_level = None
        connection.create_function(PIECES, 1, pieces, deterministic=True)
        connection.create_function(UNPACKED, 1, unpack_text, deterministic=True)
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    return prepare


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
