"""How SQLite finds what few rows are asked for: by an index that leads to them, in a ledger that is new and in
any other, for the statistics that it plans by are fixed."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from loci.server.ledger import about_reads as reads
from loci.server.ledger import open_ledger
from loci.server.ledger.prepared import Prepared

OF_FEW: tuple[Callable[[], Prepared], ...] = (
    reads.about_memory,
    reads.candidates,
    reads.links_of,
    reads.memories_of,
    reads.mentions_of,
    reads.merged,
    reads.names_of,
    reads.of_one_statement,
    reads.recent,
    reads.roots,
    reads.said,
    reads.states_of,
    reads.updates_among,
    reads.vectors_of,
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("plans") / "ledger.db"
    anyio.run(_make, path)
    return sqlite3.connect(path)


async def _make(path: Path) -> None:
    async with open_ledger(path):
        pass


@pytest.mark.parametrize("query", OF_FEW, ids=lambda query: query.__name__)
def test_what_is_asked_of_few_does_not_walk_through_a_tenant(
    ledger: sqlite3.Connection, query: Callable[[], Prepared]
) -> None:
    sql = query().sql
    plan = ledger.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
    steps = [str(row[3]) for row in plan]
    assert steps
    walking = [one for one in steps if one.endswith("(tenant=?)") or one.startswith("SCAN mem")]
    assert walking == []


def test_the_statistics_are_of_indexes_that_there_are(ledger: sqlite3.Connection) -> None:
    told = ledger.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
    assert len(told) > 30
    for table, index, stat in told:
        # That of a table without row ids is called as the table is.
        name = f"sqlite_autoindex_{table}_1" if index == table else index
        columns = ledger.execute("SELECT count(*) FROM pragma_index_info(?)", (name,)).fetchone()
        assert columns == (len(stat.split()) - 1,), (table, index)
