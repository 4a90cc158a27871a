"""The doctor names what is ill, and never falls ill itself."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from .conftest import Loci, Serving

Ask = Callable[..., Any]


def findings(report: Any) -> dict[str, tuple[bool, str]]:
    return {one["part"]: (one["well"], one["text"]) for one in report["findings"]}


def test_before_the_first_use_all_is_well_and_nothing_is_made(answer: Ask, home: Path) -> None:
    found = findings(answer("doctor"))
    assert all(well for well, _ in found.values())
    assert "made at the first use" in found["directory"][1]
    assert not home.exists()


def test_a_sound_store_is_proved_by_a_canary(loci: Loci, answer: Ask) -> None:
    loci("remember", "one")
    found = findings(answer("doctor", env={"LOCI_EMBEDDER": "minilm"}))
    assert all(well for well, _ in found.values())
    assert "written, recalled and erased" in found["canary"][1]
    assert found["embedder"][1].startswith("all-MiniLM-L6-v2/int8/")
    assert "FTS5" in found["full text"][1]
    assert "ILL" not in loci("doctor").stdout


def test_a_damaged_database_is_named(loci: Loci, answer: Ask, home: Path) -> None:
    loci("remember", "one")
    database = home / "ledger.db"
    content = bytearray(database.read_bytes())
    # The header stays: what is behind the first page is overwritten.
    content[4096 : 20 * 4096] = b"\x5a" * (19 * 4096)
    database.write_bytes(content)
    report = answer("doctor", code=1)
    assert report["well"] is False
    assert findings(report)["database"][0] is False
    assert findings(report)["embedder"][0] is True
    assert "ILL" in loci("doctor", code=1).stdout


def test_what_is_no_database_is_named(loci: Loci, answer: Ask, home: Path) -> None:
    loci("remember", "one")
    (home / "ledger.db").write_bytes(b"no database at all" * 1000)
    assert "not a database" in findings(answer("doctor", code=1))["database"][1]
    assert "not a database" in loci("ls", code=1).stderr


def test_a_database_from_the_future_is_named(loci: Loci, answer: Ask, home: Path) -> None:
    loci("remember", "one")
    with closing(sqlite3.connect(home / "ledger.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    well, text = findings(answer("doctor", code=1))["database"]
    assert not well
    assert "of a newer Loci (schema 9999" in text
    assert "of a newer Loci (schema 9999" in loci("ls", code=1).stderr


def test_the_owner_is_named_and_not_disturbed(answer: Ask, serving: Serving) -> None:
    with serving("--in-process") as server:
        report = answer("doctor")
        assert f"`loci stdio --in-process` (process {server.pid}" in findings(report)["owner"][1]
        assert findings(report)["canary"][1] == "not sent: only the owner can send it"
        assert server.poll() is None


def test_a_directory_open_to_others_is_ill(loci: Loci, answer: Ask, home: Path) -> None:
    loci("remember", "one")
    home.chmod(0o755)
    well, text = findings(answer("doctor", code=1))["directory"]
    assert not well
    assert text.endswith(f"run: chmod 700 {home}")


def test_a_model_that_is_not_there_is_named(answer: Ask, tmp_path: Path) -> None:
    report = answer("doctor", code=1, env={"LOCI_EMBEDDER": str(tmp_path / "none")})
    well, text = findings(report)["embedder"]
    assert not well
    assert "is not a compiled model" in text
