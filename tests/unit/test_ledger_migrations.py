"""Opening a database: new ones are made, older ones upgraded with a copy kept, newer ones refused."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Connection, create_engine, inspect
from support.engines import contents, keep, open_memories

from loci.server.errors import StoreCorrupt, StoreFromFuture
from loci.server.ledger import Sight, open_ledger
from loci.server.ledger.migrations import SCRIPTS, newest
from loci.server.ledger.tables import metadata
from loci.server.model import Filters, utc_now

pytestmark = pytest.mark.anyio

NEXT = """
from alembic import op

revision = "0999"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("CREATE TABLE extra (note TEXT)")
    op.execute("{last}")
"""


def next_migrations(folder: Path, last: str = "INSERT INTO extra VALUES (1)") -> Path:
    """The product's migrations with one more, as the next release would have."""
    scripts = folder / "migrations"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    script = NEXT.format(head=newest(), last=last)
    (scripts / "versions" / "0999_extra.py").write_text(script, encoding="utf-8")
    return scripts


def first_migration(folder: Path) -> Path:
    """The migrations as the first release had them."""
    scripts = folder / "first"
    newer = shutil.ignore_patterns("__pycache__", *(f"000{n}_*" for n in range(2, 10)))
    shutil.copytree(SCRIPTS, scripts, ignore=newer)
    return scripts


def fill_as_the_first_release_did(path: Path) -> None:
    """A memory in two versions, each with its passage and its words."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO tenants VALUES (1, 'ada', 0)")
        connection.execute("INSERT INTO models VALUES (1, 'hash', 4)")
        create_first_words(connection)
        for seq, content, replaced in ((1, "Old.", 2), (2, "Now.", None)):
            connection.execute(
                "INSERT INTO memories VALUES (?, 1, 'm1', ?, ?, ?, 'semantic', 'warm', '', '[]', '[]',"
                " NULL, 0, 'user', NULL, NULL, NULL, '{}', 0, NULL, 0, ?, ?, NULL, NULL, NULL, 0, 0)",
                (seq, seq, bytes([seq]) * 32, content, seq, replaced),
            )
            connection.execute("INSERT INTO vectors VALUES (1, 1, ?, ?)", (bytes([seq]), bytes(8)))
            cells = (seq, len(content), bytes([seq]))
            connection.execute("INSERT INTO passages VALUES (1, 1, ?, 0, 0, ?, ?)", cells)
            words = "INSERT INTO words_1 (rowid, content, about) VALUES (?, ?, '')"
            connection.execute(words, (seq, content))
        connection.commit()


def create_first_words(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE VIEW words_source_1 AS SELECT seq, content, "
        "coalesce(speaker, '') || ' ' || tags || ' ' || entities AS about "
        "FROM memories WHERE tenant = 1"
    )
    connection.execute(
        "CREATE VIRTUAL TABLE words_1 USING fts5(content, about, content='words_source_1', "
        "content_rowid='seq', tokenize='porter unicode61 remove_diacritics 2')"
    )


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


async def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db"):
        pass

    def compare(connection: Connection) -> None:
        made = inspect(connection)
        for table in metadata.tables.values():
            columns = {c["name"]: c["nullable"] for c in made.get_columns(table.name)}
            assert columns == {c.name: bool(c.nullable) for c in table.columns}, table.name
            keys = made.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [c.name for c in table.primary_key], table.name
            indices = {i["name"]: i["column_names"] for i in made.get_indexes(table.name)}
            assert indices == {i.name: [c.name for c in i.columns] for i in table.indexes}
            foreign = {
                (k["constrained_columns"][0], k["referred_table"])
                for k in made.get_foreign_keys(table.name)
            }
            assert foreign == {(k.parent.name, k.column.table.name) for k in table.foreign_keys}, (
                table.name
            )

    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.connect() as connection:
        compare(connection)
    engine.dispose()


async def test_the_database_is_durable_and_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with open_memories(home) as memories:
        await keep(memories, "Anything.")
        assert home.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in home.iterdir()} == {0o600}
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_an_upgrade_keeps_a_copy_of_what_was(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "From before.")
    async with open_ledger(tmp_path / "ledger.db", migrations=next_migrations(tmp_path)):
        pass
    assert "extra" in tables(tmp_path / "ledger.db")
    copy = tmp_path / "backups" / f"before-{newest()}.db"
    assert "extra" not in tables(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    shutil.copy(copy, tmp_path / "ledger.db")
    async with open_memories(tmp_path) as memories:
        assert await contents(memories) == ["From before."]


async def test_a_database_of_the_first_schema_keeps_everything_and_has_no_index_yet(
    tmp_path: Path,
) -> None:
    scripts = first_migration(tmp_path)
    async with open_ledger(tmp_path / "ledger.db", migrations=scripts):
        pass
    fill_as_the_first_release_did(tmp_path / "ledger.db")
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as upgraded:
            assert upgraded.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
            assert upgraded.execute("SELECT count(*) FROM indexes").fetchone() == (0,)
        assert await ledger.check() == []
        mine = await ledger.for_tenant("ada", model="hash", dimension=4)
        assert [row.memory.content for row in await mine.history("m1")] == ["Old.", "Now."]
        assert await mine.index.row() is None
        assert await mine.index.last() == 0
        rows, after = await mine.index.page(0)
        assert (rows.ids.tolist(), after) == ([2 << 12], None)
        assert await mine.index.count() == 1
        sight = Sight(filters=Filters(), now=utc_now())
        (found,) = await mine.words.match("now", [sight], 10)
        assert [one.seq for one in found] == [2]
        await mine.archive(["m1"])
        assert [row.passage for row in await mine.index.pending(0, 10)] == [2 << 12]
    assert (tmp_path / "backups" / "before-0001.db").exists()


async def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "From before.")
    broken = next_migrations(tmp_path, last="INSERT INTO nowhere VALUES (1)")
    with pytest.raises(Exception, match="no such table: nowhere"):
        async with open_ledger(tmp_path / "ledger.db", migrations=broken):
            raise NotImplementedError
    assert "extra" not in tables(tmp_path / "ledger.db")
    async with open_memories(tmp_path) as memories:
        assert await contents(memories) == ["From before."]


async def test_a_database_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db", migrations=next_migrations(tmp_path)):
        pass
    before = await anyio.Path(tmp_path / "ledger.db").read_bytes()
    with pytest.raises(StoreFromFuture) as refusal:
        async with open_ledger(tmp_path / "ledger.db"):
            raise NotImplementedError
    assert str(refusal.value) == (
        f"The database is of a newer Loci (schema 0999; this one knows up to {newest()}). "
        "Update Loci, or use another --home."
    )
    assert await anyio.Path(tmp_path / "ledger.db").read_bytes() == before
    assert not (tmp_path / "backups").exists()


async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    garbage = b"This is a letter to my aunt. " * 500
    (tmp_path / "ledger.db").write_bytes(garbage)
    with pytest.raises(StoreCorrupt, match="is not a database"):
        async with open_ledger(tmp_path / "ledger.db"):
            raise NotImplementedError
    assert await anyio.Path(tmp_path / "ledger.db").read_bytes() == garbage


async def test_damage_inside_is_noticed_when_it_is_met_and_by_the_check(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for start in range(0, 300, 100):
            await keep(memories, *(f"Fact {n} {'x' * 500}" for n in range(start, start + 100)))
    with (tmp_path / "ledger.db").open("rb+") as file:
        # From the middle on: the first pages say what tables there are.
        file.seek((tmp_path / "ledger.db").stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 100 * 4096)
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        complaints = await ledger.check()
        assert complaints
    with pytest.raises(StoreCorrupt, match="loci doctor"):
        async with open_memories(tmp_path) as memories:
            await contents(memories)
