"""What the daemon logs: put aside when it is large, shown, and followed."""

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loci.server.telemetry import rotate_log

from .conftest import Loci

LOGGING = """
import os, sys
from pathlib import Path
from loci.server.telemetry import rotate_log
home = Path(sys.argv[1])
log = os.open(home / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.dup2(log, 1)
os.dup2(log, 2)
for number in range(4):
    print("line", number, flush=True)
    sys.stderr.write(f"error {number}\\n")
    sys.stderr.flush()
    rotated = rotate_log(home, largest=20)
    assert rotated == (number in (1, 3)), number
print("last", flush=True)
"""


def test_a_large_log_is_put_aside_and_another_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOGGING, str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    log, aside = tmp_path / "daemon.log", tmp_path / "daemon.log.1"
    assert log.read_text(encoding="utf-8") == "last\n"
    assert aside.read_text(encoding="utf-8") == "line 2\nerror 2\nline 3\nerror 3\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_process_that_logs_elsewhere_leaves_the_log_alone(tmp_path: Path) -> None:
    assert not rotate_log(tmp_path, largest=0)
    (tmp_path / "daemon.log").write_text("of another\n", encoding="utf-8")
    assert not rotate_log(tmp_path, largest=0)
    assert [one.name for one in tmp_path.iterdir()] == ["daemon.log"]


@pytest.fixture
def log(home: Path) -> Path:
    home.mkdir()
    return home / "daemon.log"


def test_the_last_lines_are_shown_also_of_what_was_put_aside(loci: Loci, log: Path) -> None:
    log.with_name("daemon.log.1").write_text("one\ntwo\n", encoding="utf-8")
    log.write_bytes("three\nvïer\n\xff".encode("latin-1"))
    assert loci("daemon", "logs").stdout == "one\ntwo\nthree\nv\ufffder\n\ufffd"
    assert loci("daemon", "logs", "-n", "3").stdout == "three\nv\ufffder\n\ufffd"
    assert loci("daemon", "logs", "--lines", "4").stdout.startswith("two\n")
    assert loci("daemon", "logs", "-n", "0").stdout == ""


Following = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def following(environment: dict[str, str]) -> Generator[Following]:
    started: list[subprocess.Popen[str]] = []

    def follow() -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "loci.server", "daemon", "logs", "-f", "-n", "1"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, env=environment, encoding="utf-8"
        )
        started.append(process)
        return process

    yield follow
    for process in started:
        process.kill()
        process.communicate(timeout=30)


@contextmanager
def appending(log: Path, mode: str = "a") -> Generator[Callable[[str], int]]:
    with log.open(mode, encoding="utf-8", buffering=1) as file:
        yield file.write


def test_a_log_is_followed_through_whatever_becomes_of_it(log: Path, following: Following) -> None:
    log.write_text("zero\none\n", encoding="utf-8")
    process = following()
    out = process.stdout
    assert out is not None
    assert out.readline() == "one\n"
    with appending(log) as write:
        write("two\n")
        assert out.readline() == "two\n"
        log.rename(log.with_name("daemon.log.1"))
        write("three, late\n")
        with appending(log) as write_anew:
            write_anew("four\n")
        assert out.readline() == "three, late\n"
        assert out.readline() == "four\n"
    with appending(log, "w") as write:
        write("5\n")
        assert out.readline() == "5\n"
    log.unlink()
    with appending(log) as write:
        write("six\n")
        assert out.readline() == "six\n"


def test_a_log_that_is_not_there_yet_is_waited_for(home: Path, following: Following) -> None:
    process = following()
    home.mkdir()
    with appending(home / "daemon.log") as write:
        write("first\n")
    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
