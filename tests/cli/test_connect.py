"""Clients' configurations: shown first, written whole, nothing of others lost."""

import json
import os
import stat
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from loci.server.cli.clients import ClientName, client_named
from loci.server.cli.connect import connected, server_command
from loci.server.errors import InvalidInput

from .conftest import Loci

PATHS: dict[ClientName, str] = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("client", PATHS)
def test_the_example_is_what_is_written(client: ClientName) -> None:
    example = files("loci").joinpath("configs", "clients", f"{client}.json")
    written = connected(
        client_named(client, project=False), "", ["/absolute/path/to/loci", "stdio"]
    )
    assert example.read_text(encoding="utf-8") == written


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="paths of Linux")
@pytest.mark.parametrize("client", PATHS)
def test_a_configuration_is_made_where_there_is_none(
    loci: Loci, client: ClientName, tmp_path: Path
) -> None:
    said = loci("connect", client, "--yes").stdout
    path = tmp_path / PATHS[client]
    assert f"+++ {path}" in said
    content = read(path)
    entry: Mapping[str, Any] = content["servers" if client == "vscode" else "mcpServers"]["loci"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-1:] == ["stdio"]
    assert "has it already" in loci("connect", client, "--yes").stdout
    assert [one.name for one in path.parent.iterdir() if one.is_file()] == [path.name]


def test_other_entries_stay_and_a_copy_is_kept(loci: Loci, tmp_path: Path) -> None:
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    before = {
        "theme": "dünkel",
        "mcpServers": {"other": {"command": "x"}, "loci": {"command": "old", "env": {"A": "b"}}},
    }
    path.write_text(json.dumps(before, ensure_ascii=False), encoding="utf-8")
    path.chmod(0o640)
    said = loci("connect", "cursor", "--home", "kept", "--yes").stdout
    after = read(path)
    assert after["theme"] == "dünkel"
    assert after["mcpServers"]["other"] == {"command": "x"}
    assert after["mcpServers"]["loci"]["env"] == {"A": "b"}
    assert after["mcpServers"]["loci"]["args"][-2:] == ["--home", str(tmp_path / "kept")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (copy,) = path.parent.glob("mcp.json.before-loci-*")
    assert read(copy) == before
    assert str(copy) in said


def test_a_linked_configuration_stays_a_link(loci: Loci, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "claude.json").write_text("{}", encoding="utf-8")
    (tmp_path / ".claude.json").symlink_to(tmp_path / "dotfiles" / "claude.json")
    loci("connect", "claude-code", "--yes")
    assert (tmp_path / ".claude.json").is_symlink()
    assert "loci" in read(tmp_path / "dotfiles" / "claude.json")["mcpServers"]


def test_a_project_has_a_configuration_of_its_own(loci: Loci, tmp_path: Path) -> None:
    loci("connect", "claude-code", "--project", "--yes")
    assert "loci" in read(tmp_path / ".mcp.json")["mcpServers"]
    assert "for claude-code" in loci("connect", "cursor", "--project", code=1).stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"mcpServers": {', "is not valid JSON"),
        ('{"mcpServers": {"a": 1, "a": 2}}', "'a' is there twice"),
        ("[]", "is no JSON object"),
        ('{"mcpServers": []}', "'mcpServers' is no object"),
        ("\udcff", "is not text in UTF-8"),
    ],
)
def test_what_cannot_be_kept_whole_is_not_touched(
    loci: Loci, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / ".claude.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert said in loci("connect", "claude-code", "--yes", code=1).stderr
    assert path.read_bytes() == content.encode(errors="surrogateescape")


def test_without_a_terminal_and_without_yes_nothing_is_written(loci: Loci, tmp_path: Path) -> None:
    assert "Repeat with --yes" in loci("connect", "claude-code", code=1).stderr
    assert not (tmp_path / ".claude.json").exists()


def test_printing_writes_nothing(loci: Loci, tmp_path: Path) -> None:
    printed = json.loads(loci("connect", "claude-code", "--print").stdout)
    assert printed["mcpServers"]["loci"]["type"] == "stdio"
    assert not (tmp_path / ".claude.json").exists()


def test_the_written_command_starts_this_loci() -> None:
    command = server_command(None)
    assert Path(command[0]).is_file()
    assert command[-1] == "stdio"


def test_a_configuration_that_is_empty_is_filled(tmp_path: Path) -> None:
    client = client_named("cursor", project=False)
    assert json.loads(connected(client, "\n", ["/loci", "stdio"]))["mcpServers"]["loci"]
    with pytest.raises(InvalidInput):
        connected(client, "null", ["/loci", "stdio"])
