"""The README says what is: its settings, tools, prompts and commands are those of the product."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from loci.prompts import prompts
from loci.server.settings import settings_table
from loci.tools import tools

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def loci(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loci.server", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_its_settings_are_the_settings() -> None:
    """Regenerate with the command in the comment above the table."""
    assert settings_table().strip() in README


def test_its_tools_and_prompts_are_those_that_are_served() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", README.partition("## Settings")[0], re.MULTILINE)
    assert rows == [tool.name for tool in tools("full")]
    assert all(f"`{prompt.name}`" in README for prompt in prompts())


@pytest.mark.parametrize(
    "command",
    [
        *(
            "stdio",
            "demo",
            "remember",
            "recall",
            "forget",
            "ls",
            "show",
            "stats",
            "board",
            "replay",
        ),
        *("doctor", "reindex"),
    ],
)
def test_each_command_it_names_is_there(command: str) -> None:
    assert command in README
    assert loci(command, "--help").returncode == 0


@pytest.mark.parametrize("client", ["claude-desktop", "claude-code", "cursor", "vscode"])
def test_each_client_it_names_can_be_connected(client: str) -> None:
    assert f"loci connect {client}" in README
    shown = loci("connect", client, "--print")
    assert shown.returncode == 0
    assert "stdio" in shown.stdout
    assert (ROOT / "configs" / "clients" / f"{client}.json").exists()


def test_its_two_commands_are_those_that_ci_runs() -> None:
    for marker, end in (("try", "loci demo"), ("test", "-m pytest -n 2")):
        block = README.partition(f"<!-- ci: {marker} -->\n```sh\n")[2].partition("\n```")[0]
        assert block.endswith(end)
        assert f"$(readme {marker})" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
