"""Opening the ledger: copy, migrate, start the writer."""

import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path

import anyio
from anyio import to_thread
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.sqlite import insert

from ..errors import StoreCorrupt, StoreReadOnly
from ..model import utc_now
from ..tasks import task_group
from .erase_tenant import ErasedTenant, erase_tenant
from .faults import store_faults
from .fulltext import create_words
from .jobs import Do
from .migrations import SCRIPTS, newest, refuse_future, revision_of, upgrade
from .outbox import Erasures, enter
from .readers import Readers, open_readers
from .registry import Registry
from .sqlite import reading_engine, writing_engine
from .tables import tenants
from .tenant import TenantLedger
from .vectors import model_key
from .words import Held
from .writer import Writer

__all__ = ["Ledger", "open_ledger"]


class Ledger:
    """The relational store of one data directory. Made by `open_ledger`."""

    __slots__ = (
        "_audited",
        "_entering",
        "_files",
        "_held",
        "_readers",
        "_tenants",
        "_writer",
        "path",
        "registry",
    )

    def __init__(
        self, path: Path, copies: Path, readers: Readers, writer: Writer, *, audited: bool
    ) -> None:
        self._audited = audited
        self.path = path
        self._files = (path, copies)
        self._held = Held()
        self._readers = readers
        self._writer = writer
        self._tenants: dict[str, tuple[tuple[str, bool], TenantLedger]] = {}
        self._entering = anyio.Lock()
        self.registry = Registry(readers, writer)

    async def for_tenant(
        self, name: str, *, model: str, dimension: int, feeding: bool = True
    ) -> TenantLedger:
        """The tenant's rows, seen with one embedding model. A new tenant is entered.

        Without `feeding` no changes are kept for an index, and what is known of one is dropped. So it
        is when the model is another: what was given out for the one before must not be used longer.

        Raises:
            StoreError: it cannot be entered, since the database cannot be written.
        """
        async with self._entering:
            kind, held = self._tenants.get(name, (None, None))
            if held is None or kind != (model, feeding):
                held = await self._tenant(name, model, dimension, feeding)
                self._tenants[name] = ((model, feeding), held)
        return held

    async def _tenant(self, name: str, model: str, dimension: int, feeding: bool) -> TenantLedger:
        now = utc_now()

        def job(connection: Connection) -> tuple[int, int]:
            keys = _enter(connection, name, model, dimension, now)
            enter(connection, *keys, feeding=feeding)
            return keys

        keys = await self._writer.write(Do(job))
        erasures = Erasures() if feeding else None
        doors = (self._readers, self._writer, self._files, erasures, self._held)
        # What Loci itself remembers and forgets to see whether it can is nobody's deed.
        audited = self._audited and not name.startswith("~")
        return TenantLedger(*keys, dimension, *doors, audited)

    async def erase_tenant(self, name: str, now: datetime) -> ErasedTenant:
        """Remove a tenant. What stayed, its ledger's `erasure.residue` finds. Raises NotFound, StoreError."""
        async with self._entering:
            erased = await self._writer.write(Do(lambda c: erase_tenant(c, name, now)))
            self._tenants.pop(name, None)
        return erased

    @property
    def writes_waiting(self) -> int:
        """Jobs that wait for the writer."""
        return self._writer.waiting

    async def names(self) -> list[str]:
        """All tenants."""
        statement = select(tenants.c.name).order_by(tenants.c.key)
        return await self._readers.read(lambda c: list(c.scalars(statement)))

    async def check(self) -> list[str]:
        """What SQLite's integrity check complains of; empty when the database is sound."""
        query = text("PRAGMA integrity_check")
        try:
            rows = await self._readers.read(lambda c: list(c.scalars(query)))
        except StoreCorrupt as error:
            return [str(error.__cause__)]
        return [line for line in rows if line != "ok"]


def _enter(
    connection: Connection, name: str, model: str, dimension: int, now: datetime
) -> tuple[int, int]:
    row = {"name": name, "created_at": now}
    connection.execute(insert(tenants).values(row).on_conflict_do_nothing())
    statement = select(tenants.c.key).where(tenants.c.name == name)
    tenant = connection.execute(statement).scalar_one()
    create_words(connection, tenant)
    return tenant, model_key(connection, model, dimension)


@asynccontextmanager
async def open_ledger(
    path: Path, *, migrations: Path = SCRIPTS, audited: bool = False
) -> AsyncGenerator[Ledger]:
    """Open the database, upgrade it where it is older, and close it after draining its writer.
    `audited` that what is done to memories is written down.

    Raises:
        StoreError: it cannot be written, is damaged, or is from the future.
    """
    copies = path.parent / "backups"
    await to_thread.run_sync(_prepare, path)
    writing = writing_engine(path)
    await to_thread.run_sync(_migrate, writing, path, copies, migrations)
    writer = Writer(writing)
    async with open_readers(reading_engine(path)) as readers, task_group() as tasks:
        tasks.start_soon(writer.run)
        try:
            yield Ledger(path, copies, readers, writer, audited=audited)
        finally:
            await writer.close()


def _prepare(path: Path) -> None:
    """The database is the owner's alone, from its first byte."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreReadOnly(
            f"The data directory cannot be written ({error.strerror}): {path.parent}. "
            "Allow writing or choose another --home."
        ) from error


def _migrate(writing: Engine, path: Path, copies: Path, scripts: Path) -> None:
    with store_faults(), writing.connect() as connection:
        at, head = revision_of(connection), newest(scripts)
        connection.rollback()
        refuse_future(at, head)
        if at == head:
            return
        if at is not None:
            _copy(path, copies, at)
        with connection.begin():
            upgrade(connection, scripts)


def _copy(path: Path, copies: Path, revision: str) -> None:
    """Keep the database as it is before an upgrade. An existing copy of the revision is replaced."""
    copies.mkdir(mode=0o700, exist_ok=True)
    target = copies / f"before-{revision}.db"
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as copy:
        source.backup(copy)
    with partial.open("rb+") as written:
        os.fsync(written.fileno())
    partial.replace(target)
