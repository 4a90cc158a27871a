"""The composition root: lazy, honest about failures, orderly at the end."""

import json
import logging
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import anyio
import pytest
import structlog

from loci.server.access import Caller, as_caller
from loci.server.app import open_app
from loci.server.errors import LociError, ModelError, StoreCorrupt, StoreError, StoreFromFuture
from loci.server.model import Change, Draft
from loci.server.settings import Settings
from loci.server.telemetry import configure_logs, configure_structlog

pytestmark = pytest.mark.anyio

MARA = Caller(tenant="mara")


def settings(home: Path, embedder: str = "hash") -> Settings:
    return Settings(home=home, embedder=embedder)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def failure_of(made: Settings) -> LociError:
    async with open_app(made) as app:
        with as_caller(MARA), anyio.fail_after(30):
            errors: list[LociError] = []
            for _ in range(2):
                try:
                    await app.memories()
                except LociError as error:
                    errors.append(error)
    assert str(errors[0]) == str(errors[1])
    assert errors[0] is not errors[1]
    return errors[0]


async def test_nothing_is_opened_before_it_is_wanted(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path)):
        assert names(tmp_path) == ["owner.lock"]
    assert names(tmp_path) == ["owner.lock"]


async def test_the_first_call_opens_the_store_for_its_caller(tmp_path: Path) -> None:
    changes: list[Change] = []

    async def heard(change: Change) -> None:
        changes.append(change)

    async with open_app(settings(tmp_path)) as app:
        app.on_change(heard)
        with as_caller(MARA), anyio.fail_after(30):
            (stored,) = await (await app.memories()).remember([Draft(content="one")])
            assert (await app.status()).healthy
        with as_caller(Caller(tenant="tomas")):
            assert (await (await app.memories()).page()).memories == ()
    assert Change("mara", (stored.id,)) in changes


async def test_without_a_caller_nothing_falls_open(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path)) as app:
        with pytest.raises(LookupError):
            await app.memories()


async def test_what_was_remembered_is_there_at_the_next_start(tmp_path: Path) -> None:
    for expected in (0, 1):
        async with open_app(settings(tmp_path)) as app:
            with as_caller(MARA), anyio.fail_after(30):
                memories = await app.memories()
                assert len((await memories.page()).memories) == expected
                await memories.remember([Draft(content="one")])


async def test_a_model_that_is_not_there_fails_each_call(tmp_path: Path) -> None:
    assert isinstance(await failure_of(settings(tmp_path, str(tmp_path / "none"))), ModelError)


async def test_what_is_no_database_fails_each_call(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    assert isinstance(await failure_of(settings(tmp_path)), StoreCorrupt)


async def test_a_database_from_the_future_fails_each_call(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path)) as app:
        with as_caller(MARA):
            await app.memories()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert isinstance(await failure_of(settings(tmp_path)), StoreFromFuture)


async def test_a_database_that_is_a_directory_fails_each_call(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    assert isinstance(await failure_of(settings(tmp_path)), StoreError)


async def test_a_cancelled_application_gives_the_directory_back(tmp_path: Path) -> None:
    with anyio.move_on_after(60) as scope:
        async with open_app(settings(tmp_path)) as app:
            app.start()
            scope.cancel()
            await anyio.sleep_forever()
    async with open_app(settings(tmp_path)):
        pass


@pytest.fixture
def root_kept() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


Capture = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("root_kept")
async def test_records_of_structlog_and_of_libraries_look_alike(capsys: Capture) -> None:
    configure_logs("info", "json")
    configure_structlog()
    structlog.get_logger("loci.one").info("first", count=3)
    logging.getLogger("other").warning("second %d", 4)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["count"], first["logger"]) == ("first", 3, "loci.one")
    assert (second["event"], second["level"]) == ("second 4", "warning")


@pytest.mark.usefixtures("root_kept")
@pytest.mark.parametrize("form", ["json", "console"])
async def test_a_traceback_quotes_no_data(capsys: Capture, form: str) -> None:
    content = "a secret"
    configure_logs("info", "json" if form == "json" else "console")
    try:
        try:
            raise ValueError(content)
        except ValueError as error:
            raise ExceptionGroup(content, [LociError("a text of ours")]) from error
    except ExceptionGroup:
        logging.getLogger("mcp.server").exception("it failed")
    said = capsys.readouterr().err
    assert content not in said
    for part in ("it failed", "builtins.ValueError", "a text of ours", "test_app.py"):
        assert part in said


@pytest.mark.usefixtures("root_kept")
async def test_libraries_that_quote_what_passes_are_kept_quiet(capsys: Capture) -> None:
    configure_logs("debug", "console")
    for name in ("mcp.server.lowlevel", "sqlalchemy.engine"):
        logging.getLogger(name).info("a secret")
    assert capsys.readouterr().err == ""
