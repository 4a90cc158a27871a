"""Daemons that do not answer as they should, played by the test."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from loci.server.cli.reaching import NoAnswer, reach
from loci.server.errors import SettingsError
from loci.server.home import owned
from loci.server.shim.where import SOCKET

from .conftest import Loci

Ask = Callable[..., Any]


@contextmanager
def played(
    home: Path, *sent: bytes, answers: bool = False, hangs: bool = False
) -> Generator[SimpleQueue[Any]]:
    """A daemon that owns the directory and says this to each hello, hears one call if it `answers`, and
    ends, unless it `hangs`. What it has heard."""
    heard: SimpleQueue[Any] = SimpleQueue()

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                heard.put(json.loads(lines.readline()))
                for part in sent:
                    connection.sendall(part)
                if answers:
                    heard.put(json.loads(lines.readline()))
                while hangs and lines.readline():
                    """Whatever else is asked."""

    with owned(home, "loci daemon"), socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / SOCKET))
        (home / SOCKET).chmod(0o600)
        listening.listen()
        thread = threading.Thread(target=serve, args=[listening])
        thread.start()
        try:
            yield heard
        finally:
            (home / SOCKET).unlink()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(30)


def test_where_nobody_listens_there_is_no_daemon(tmp_path: Path) -> None:
    assert reach(tmp_path, "verbs", {}) is None
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / SOCKET))
    assert reach(tmp_path, "verbs", {}) is None


def test_one_that_says_nothing_is_not_waited_for_long(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET))
        listening.listen()
        with pytest.raises(NoAnswer, match="stop --force"):
            reach(tmp_path, "verbs", {}, patience=0.05)


@pytest.mark.parametrize("said", [(), (b"gone\n",), (b"o",)])
def test_one_that_leaves_is_none(tmp_path: Path, said: tuple[bytes, ...]) -> None:
    with played(tmp_path, *said):
        assert reach(tmp_path, "verbs", {}) is None


def test_a_refusal_is_told_in_its_words(loci: Loci, home: Path) -> None:
    with played(home, b"refused not you\n"):
        assert loci("ls", code=2).stderr == "loci: not you\n"


def test_a_daemon_is_told_the_flags_and_the_settings_and_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCI_NAMESPACE", "work")
    monkeypatch.setenv("LOCI_HOME", "/elsewhere")
    monkeypatch.setenv("SECRET", "x")
    with played(home, b"refused not you\n") as heard:
        for flags in ({"tenant": "mara"}, None):
            with pytest.raises(SettingsError):
                reach(home, "verbs", flags)
    first, second = heard.get(), heard.get()
    assert first["flags"] == {"tenant": "mara"}
    assert first["environment"] == {"LOCI_NAMESPACE": "work"}
    assert (second["flags"], second["environment"]) == ({}, {})


def test_a_daemon_that_ends_before_it_answers_is_an_error(loci: Loci, home: Path) -> None:
    with played(home, b"ok \n", answers=True):
        assert "ended before it answered" in loci("ls", code=1).stderr


def test_a_daemon_that_ends_while_it_indexes_is_one_error(loci: Loci, home: Path) -> None:
    """Two calls wait for it: the one that asks how far it is, and the one that is shown."""
    with played(home, b"ok \n", answers=True):
        told = loci("reindex", code=1).stderr
    assert "ended before it answered" in told
    assert "Traceback" not in told


def test_who_loses_patience_with_a_daemon_is_free(environment: dict[str, str], home: Path) -> None:
    command = [sys.executable, "-m", "loci.server", "reindex"]
    with (
        played(home, b"ok \n", answers=True, hangs=True) as heard,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as process,
    ):
        assert heard.get(timeout=60)["door"] == "verbs"
        assert heard.get(timeout=60)["verb"] in ("index", "reindex")
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, said


def test_a_daemon_of_another_version_is_told_of(loci: Loci, answer: Ask, home: Path) -> None:
    report: dict[str, object] = {
        "pid": 7,
        "version": "9.9",
        "since": "2030-01-01T00:00:00Z",
        "home": str(home),
        "peak_memory_mb": 1,
        "cpu_seconds": 0.5,
        "clients": [],
        "newer": True,
    }
    with played(home, b"ok \n", json.dumps(report).encode() + b"\n"):
        findings = {one["part"]: one for one in answer("doctor", code=1)["findings"]}
        assert findings["owner"]["well"] is False
        assert "version 9.9" in findings["owner"]["text"]
        assert findings["owner"]["text"].endswith("run: loci daemon stop")
        assert "not sent" in findings["canary"]["text"]
        status = answer("daemon", "status")
        assert (status["version"], status["newer"]) == ("9.9", True)
