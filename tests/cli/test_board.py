"""`loci board` as a process: lists, shows, writes, and shows live on a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Loci, configured

PATIENCE = 60.0


def test_boards_are_written_shown_and_listed(loci: Loci, answer: Callable[..., Any]) -> None:
    assert "a is at version 1." in loci("board", "plan", "a", "--set", '{"x": [1]}').stdout
    assert answer("board", "plan", "b", "--set", "some text", "--if-version", "0")["version"] == 2
    refused = loci("board", "plan", "b", "--set", "1", "--if-version", "1", code=1)
    assert "b: it is at version 2, not 1" in refused.stderr
    shown = answer("board", "plan")
    assert [(cell["key"], cell["value"]) for cell in shown["cells"]] == [
        ("a", {"x": [1]}),
        ("b", "some text"),
    ]
    assert shown["cells"][0]["by"] == "shell"
    assert '{"x":[1]}' in loci("board", "plan", "a", "--once").stdout
    assert answer("board")["boards"][0]["board"] == "plan"


def test_private_boards_are_of_the_agent_that_is_named(loci: Loci) -> None:
    loci("board", "~plan", "a", "--set", "1", env={"LOCI_AGENT": "ann"})
    assert "~plan" in loci("board", env={"LOCI_AGENT": "ann"}).stdout
    assert "no boards yet" in loci("board", env={"LOCI_AGENT": "bob"}, code=3).stdout


class Screen:
    """What a terminal was sent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = ""

    def until(self, pattern: str) -> None:
        ends = time.monotonic() + PATIENCE
        while not re.search(pattern, self._text):
            assert time.monotonic() < ends, self._text
            if select.select([self._descriptor], [], [], 1)[0]:
                self._text += os.read(self._descriptor, 65536).decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind")
def test_a_board_is_live_on_a_terminal(loci: Loci, home: Path, environment: dict[str, str]) -> None:
    configured(home)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "loci.server", "board", "plan"]
    more = {"TERM": "xterm", "COLUMNS": "100"}
    watching = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, **more}
    )
    os.close(theirs)
    try:
        screen = Screen(ours)
        screen.until("plan, version 0")
        loci("board", "plan", "task", "--set", "open")
        screen.until(r'version 1 .*[\s\S]*task[\s\S]*"open"')
        loci("board", "plan", "task", "--delete")
        screen.until("plan, version 2")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(PATIENCE) == 130
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)
