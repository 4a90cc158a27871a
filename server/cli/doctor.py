"""`loci doctor`: looks at each part by itself, so that one that is ill hides none behind it."""

import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from rich.text import Text

# By its full name: type checkers see the folders, whose common parent is only `loci` installed.
from loci import __version__

from ..access import verbs
from ..errors import LociError
from ..home import DAEMON, DATABASE, Owner, current_owner
from ..ledger.migrations import newest
from ..settings import Settings
from ..shim.where import SOCKET
from ..wiring import embedder_for
from .ask import Flags, ask
from .daemon_state import look_at_daemon
from .exits import Exit
from .indexes import examine_indexes
from .loop import run_loop
from .output import people, print_json, table

__all__ = ["Finding", "doctor"]

_LITTLE_SPACE = 200_000_000
"""Bytes free below which the next upgrade's copy or checkpoint may fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    part: str
    well: bool
    text: str


def doctor(flags: Flags) -> Exit:
    """Print what each check finds. Raises SettingsError; everything else is a finding."""
    settings = flags.settings()
    findings = list(_examine(flags, settings))
    if flags.as_json:
        print_json({"well": all(one.well for one in findings), "findings": findings})
    else:
        _show(findings)
    return Exit.OK if all(one.well for one in findings) else Exit.FAILED


def _show(findings: list[Finding]) -> None:
    shown = table("", "part", "finding")
    shown.show_header = False
    for one in findings:
        mark = Text("ok", style="green") if one.well else Text("ILL", style="bold red")
        shown.add_row(mark, one.part, Text(one.text))
    people().print(shown)


def _examine(flags: Flags, settings: Settings) -> Iterator[Finding]:
    yield _found("sqlite", lambda: (True, f"{sqlite3.sqlite_version}, Python {sys.version[:6]}"))
    yield _found("full text", _full_text)
    yield _found("embedder", lambda: _embedder(settings))
    if not settings.home.exists():
        yield Finding("directory", True, f"{settings.home} is made at the first use")
        return
    yield _found("directory", lambda: _directory(settings))
    yield _found("disk", lambda: _disk(settings))
    if (settings.home / SOCKET).exists():
        yield _found("socket", lambda: _socket(settings))
    owner: list[Owner | None] = []
    held = _found("owner", lambda: _owner(settings, owner))
    yield held
    database = _found("database", lambda: _database(settings))
    yield database
    if database.well:
        yield from _indexes(settings)
    can_ask = owner == [None] or (held.well and owner[0] is not None and owner[0].command == DAEMON)
    if database.well and can_ask:
        yield _found("canary", lambda: _canary(flags, settings))
    else:
        why = "the database is ill" if not database.well else "only the owner can send it"
        yield Finding("canary", database.well, f"not sent: {why}")


def _found(part: str, check: Callable[[], tuple[bool, str]]) -> Finding:
    """The check's result, or its failure as one."""
    try:
        return Finding(part, *check())
    except (LociError, OSError, sqlite3.Error) as error:
        return Finding(part, False, str(error))


def _full_text() -> tuple[bool, str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61')")
    return True, "FTS5 with stemming is there"


def _embedder(settings: Settings) -> tuple[bool, str]:
    embedder = embedder_for(settings)
    started = time.perf_counter()

    async def load() -> None:
        await embedder.load()
        await embedder.embed_query("canary")
        await embedder.aclose()

    run_loop(load)
    taken = time.perf_counter() - started
    named = f"{embedder.identity}, {embedder.dimension} dimensions, loads in {taken:.2f} s"
    return True, named + (
        " (for tests: it knows no meaning)" if settings.embedder == "hash" else ""
    )


def _directory(settings: Settings) -> tuple[bool, str]:
    home = settings.home
    if not home.is_dir():
        return False, f"{home} is no directory; use another --home"
    rights = stat.S_IMODE(home.stat().st_mode)
    if sys.platform != "win32" and rights & 0o077:
        return False, f"{home} is open to others ({rights:o}); run: chmod 700 {home}"
    return True, f"{home}, yours alone"


def _disk(settings: Settings) -> tuple[bool, str]:
    free = shutil.disk_usage(settings.home).free
    if free < _LITTLE_SPACE:
        return False, f"only {free / 1e6:,.0f} MB are free; make room"
    return True, f"{free / 1e9:,.1f} GB are free"


def _owner(settings: Settings, found: list[Owner | None]) -> tuple[bool, str]:
    found.append(current_owner(settings.home))
    owner = found[0]
    if owner is None:
        return True, "no process holds the directory"
    if owner.command == DAEMON:
        return _daemon(settings, owner)
    return True, f"`{owner.command}` (process {owner.pid}, since {owner.since})"


def _socket(settings: Settings) -> tuple[bool, str]:
    path = settings.home / SOCKET
    rights = stat.S_IMODE(path.stat().st_mode)
    if rights & 0o077:
        return False, f"{path} is open to others ({rights:o}); run: chmod 600 {path}"
    return True, f"{path}, yours alone"


def _daemon(settings: Settings, owner: Owner) -> tuple[bool, str]:
    state = look_at_daemon(settings.home)
    named = f"`{owner.command}` (process {owner.pid}, since {owner.since})"
    if state is None:
        return True, f"{named} has just ended"
    if state.report is None:
        return False, f"{named} does not answer: {state.reason}; run: loci daemon stop --force"
    report = state.report
    named = (
        f"`{owner.command}` (process {report.pid}, version {report.version}, since {report.since}, "
        f"clients: {len(report.clients)})"
    )
    if report.version != __version__:
        return False, f"{named} is not of this version, {__version__}; run: loci daemon stop"
    return True, named


def _database(settings: Settings) -> tuple[bool, str]:
    """Read-only, beside a process that may be writing."""
    path = settings.home / DATABASE
    if not path.exists():
        return True, "nothing is remembered yet"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        complaints = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if complaints != ["ok"]:
            return False, f"damaged: {'; '.join(complaints[:3])}. Restore it from backups/"
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
        if known.fetchone() is None:
            return True, "empty"
        (at,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    size = f"{path.stat().st_size / 1e6:,.1f} MB, sound"
    if at > newest():
        return (
            False,
            f"{size}, but of a newer Loci (schema {at}, this one knows {newest()}): update Loci",
        )
    return True, f"{size}, schema {at}"


def _indexes(settings: Settings) -> Iterator[Finding]:
    if settings.index == "none":
        yield Finding("index", True, "none is kept: every search is exact")
        return
    if not (settings.home / DATABASE).exists():
        return
    remote = settings.index != "chroma"
    try:
        for tenant, well, text in examine_indexes(settings.home, remote=remote):
            yield Finding(f"index of {tenant}", well, text)
    except sqlite3.Error as error:
        yield Finding("index", False, str(error))


def _canary(flags: Flags, settings: Settings) -> tuple[bool, str]:
    status = ask(flags, settings, "doctor", lambda shell: shell(verbs.status))
    waiting = f"; {status.waiting:,} memories wait for vectors" if status.waiting else ""
    return status.healthy, status.canary + waiting
