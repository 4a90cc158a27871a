"""Questions at a terminal: what is meant is shown, and only a yes goes on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Loci

Ask = Callable[..., Any]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


@pytest.fixture
def typed(environment: dict[str, str], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs the command with somebody at its terminal who types this. Exit code and output."""

    def run(reply: str, *arguments: str) -> tuple[int, str]:
        ours, theirs = os.openpty()
        try:
            os.write(ours, f"{reply}\n".encode())
            done = subprocess.run(
                [sys.executable, "-m", "loci.server", *arguments],
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=tmp_path,
                timeout=60,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        return done.returncode, done.stdout.decode("utf-8")

    return run


def test_a_selection_is_shown_and_asked_for(
    typed: Callable[..., tuple[int, str]], answer: Ask
) -> None:
    answer("remember", "--lines", "-", "--tag", "drop", stdin="one\ntwo\n")
    code, said = typed("n", "forget", "--tag", "drop")
    assert code == 1
    assert "Delete 2 memories? [y/N]" in said
    assert "Nothing was forgotten." in said
    assert len(answer("ls")["memories"]) == 2
    code, said = typed("y", "forget", "--tag", "drop")
    assert code == 0
    assert "Restorable until" in said
    answer("ls", code=3)


def test_a_configuration_is_asked_for(
    typed: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    assert typed("", "connect", "claude-code")[0] == 1
    assert not (tmp_path / ".claude.json").exists()
    code, said = typed("yes", "connect", "claude-code")
    assert code == 0
    assert "[y/N]" in said
    assert json.loads((tmp_path / ".claude.json").read_text(encoding="utf-8"))["mcpServers"]


@pytest.mark.slow
def test_a_default_namespace_narrows_a_selection_and_never_makes_one(
    loci: Loci, answer: Ask
) -> None:
    work = {"LOCI_NAMESPACE": "work"}
    answer("remember", "mine", "--tag", "t", env=work)
    answer("remember", "elsewhere", "--tag", "t")
    assert "Say what to forget" in loci("forget", "--yes", code=1, env=work).stderr
    assert len(answer("forget", "--tag", "t", "--yes", env=work)["ids"]) == 1
    assert [one["content"] for one in answer("ls")["memories"]] == ["elsewhere"]
