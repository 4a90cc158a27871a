"""The verbs through a running daemon, and the commands that look after it."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.daemons import Home

from loci.server.access import Shell, verbs
from loci.server.cli import ask as module
from loci.server.home import LOCK, current_owner, owned
from loci.server.model import Status
from loci.server.settings import Settings

from .conftest import Loci, Serving, configured

Ask = Callable[..., Any]
Client = subprocess.Popen[bytes]


def tool(client: Client, name: str, **arguments: object) -> Any:
    """What a tool answers a connected client."""
    assert client.stdin is not None
    assert client.stdout is not None
    call = {"name": name, "arguments": arguments}
    request = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
    client.stdin.write(json.dumps(request).encode() + b"\n")
    client.stdin.flush()
    while (answer := json.loads(client.stdout.readline())).get("id") != 2:
        pass
    return answer["result"]["structuredContent"]


def test_every_verb_goes_through_the_daemon(
    loci: Loci, answer: Ask, daemon: int, home: Path
) -> None:
    owner = (home / LOCK).read_text(encoding="utf-8")
    (stored,) = answer("remember", "Mara likes green tea")
    name = stored["id"]
    assert len(answer("recall", "green tea")["recollections"]) == 1
    assert len(answer("ls")["memories"]) == 1
    assert answer("show", name)["content"] == "Mara likes green tea"
    assert len(answer("show", name, "--history")) == 1
    assert answer("forget", name)["ids"] == [name]
    assert answer("forget", "--mode", "restore", name)["ids"] == [name]
    assert answer("stats")["healthy"]
    assert answer("reindex")["state"] == "current"
    assert answer("doctor")["well"]
    # In this process nothing could have been done: the daemon has had the directory all the time.
    assert (home / LOCK).read_text(encoding="utf-8") == owner
    assert answer("daemon", "status")["pid"] == daemon
    assert loci("daemon", "logs").stderr == ""


def test_what_a_verb_remembers_a_client_recalls_at_once_and_the_other_way_round(
    answer: Ask, serving: Serving
) -> None:
    with serving() as client:
        (stored,) = answer("remember", "Mara likes green tea")
        found = tool(client, "recall", query="green tea")["recollections"]
        assert [one["id"] for one in found] == [stored["id"]]
        tool(client, "remember", content="Tomas likes coffee")
        assert answer("recall", "coffee")["recollections"][0]["content"] == "Tomas likes coffee"


VARYING = re.compile(r'"(uses|used_at|tier)":[^,}]+')
"""What changes with each use."""


@pytest.mark.slow
@pytest.mark.usefixtures("daemon")
def test_answers_are_the_same_to_the_letter_with_and_without_a_daemon(loci: Loci) -> None:
    said = ("Tea, 日本語 🐙", "--at", "2026-03-02T10:11:12.345678+02:00", "--importance", "0.1")
    (stored,) = json.loads(loci("remember", *said, "--metadata", "k=v", "--json").stdout)
    asked = {
        ("show", stored["id"]): 0,
        ("show", stored["id"], "--history"): 0,
        ("ls",): 0,
        ("recall", "tea", "--explain", "--as-of", "2026-06-01"): 0,
        ("recall", "tea", "--known-at", "2020-01-01"): 3,
        ("remember", *said, "--metadata", "k=v"): 0,
        ("remember", "half a \udcff"): 1,
        ("forget", "--tag", "none"): 3,
        ("forget", stored["id"], "--mode", "erase"): 1,
        ("forget",): 1,
        ("ls", "--cursor", "nonsense"): 1,
        ("show", "m0123456789ab"): 3,
    }

    def answers() -> list[tuple[str, str]]:
        done = [loci(*arguments, "--json", code=code) for arguments, code in asked.items()]
        return [(VARYING.sub("", one.stdout), one.stderr) for one in done]

    through_the_daemon = answers()
    loci("daemon", "stop")
    assert answers() == through_the_daemon


@pytest.mark.slow
def test_a_client_of_another_tenant_sees_its_own(loci: Loci, answer: Ask, daemon: int) -> None:
    answer("remember", "Mine", "--tenant", "mara")
    answer("remember", "Ours")
    assert [one["content"] for one in answer("ls", "--tenant", "mara")["memories"]] == ["Mine"]
    named = answer("ls", env={"LOCI_TENANT": "mara"})["memories"]
    assert [one["content"] for one in named] == ["Mine"]
    assert [one["content"] for one in answer("ls")["memories"]] == ["Ours"]
    assert answer("reindex", "--tenant", "mara")["tenant"] == "mara"
    texts = {one["part"]: one["text"] for one in answer("doctor")["findings"]}
    assert "asked for" in texts["index of mara"]
    assert "asked for" not in texts["index of local"]
    assert answer("daemon", "status")["pid"] == daemon


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["ls"], {"LOCI_THREADS": "3"}),
        (["ls", "--profile", "dev"], {}),
        (["remember", "x"], {"LOCI_EMBEDDER": "minilm"}),
    ],
)
@pytest.mark.usefixtures("daemon")
def test_other_settings_than_the_daemons_are_refused(
    loci: Loci, home: Path, arguments: list[str], env: dict[str, str]
) -> None:
    said = loci(*arguments, code=2, env=env).stderr
    assert str(home / "loci.toml") in said
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("daemon")
def test_many_and_long_memories_pass(loci: Loci, answer: Ask) -> None:
    lines = "".join(f"{number} {'日' * 30_000}\n" for number in range(100))
    assert len(answer("remember", "--lines", "-", stdin=lines)) == 100
    shown = answer("ls", "--limit", "100")["memories"]
    assert [one["content"] for one in reversed(shown)] == lines.splitlines()


def test_without_a_daemon_its_commands_say_so(loci: Loci, home: Path) -> None:
    assert "No daemon runs" in loci("daemon", "status", code=3).stdout
    assert json.loads(loci("daemon", "status", "--json", code=3).stdout)["running"] is False
    assert "No daemon runs" in loci("daemon", "stop").stdout
    assert "Nothing is logged" in loci("daemon", "logs", code=3).stdout
    assert not home.exists()


def test_another_owner_is_named_and_not_stopped(loci: Loci, serving: Serving) -> None:
    with serving("--in-process") as server:
        held = f"No daemon runs. `loci stdio --in-process` (process {server.pid}, "
        assert loci("daemon", "status", code=3).stdout.startswith(held)
        assert loci("daemon", "stop").stdout.startswith(held)
        assert server.poll() is None


def test_the_status_names_the_clients(loci: Loci, answer: Ask, serving: Serving) -> None:
    with serving("--tenant", "mara", "--agent", "scribe") as client:
        status = answer("daemon", "status")
        assert [(one["pid"], one["tenant"]) for one in status["clients"]] == [(client.pid, "mara")]
        said = loci("daemon", "status").stdout
        assert all(str(one) in said for one in (status["pid"], client.pid, "scribe", "0.1.0"))
    assert answer("daemon", "status")["clients"] == []


def test_a_stopped_daemon_has_given_the_directory_back(
    loci: Loci, answer: Ask, daemon: int, home: Path
) -> None:
    loci("remember", "kept")
    assert answer("daemon", "stop") == {"stopped": True, "forced": False, "pid": daemon}
    assert current_owner(home) is None
    assert not (home / "daemon.sock").exists()
    assert len(answer("ls")["memories"]) == 1
    assert answer("daemon", "stop") == {"stopped": False}


@pytest.mark.slow
def test_a_daemon_that_hangs_is_told_from_none_and_can_be_killed(
    loci: Loci, answer: Ask, daemon: int, home: Path
) -> None:
    os.kill(daemon, signal.SIGSTOP)
    status = answer("daemon", "status", code=1)
    assert (status["answers"], status["pid"]) == (False, daemon)
    report = {one["part"]: one for one in answer("doctor", code=1)["findings"]}
    assert "does not answer" in report["owner"]["text"]
    assert not report["owner"]["well"]
    assert "with --force" in loci("daemon", "stop", "--timeout", ".1", code=1).stderr
    stopped = answer("daemon", "stop", "--timeout", "5", "--force")
    assert stopped == {"stopped": True, "forced": True, "pid": daemon}
    assert current_owner(home) is None


@pytest.mark.usefixtures("daemon")
def test_the_doctor_names_the_daemon_and_has_it_send_the_canary(
    loci: Loci, answer: Ask, serving: Serving, home: Path
) -> None:
    with serving():
        report = {one["part"]: one for one in answer("doctor")["findings"]}
        assert "`loci daemon` (process " in report["owner"]["text"]
        assert "clients: 1" in report["owner"]["text"]
        assert "written, recalled and erased" in report["canary"]["text"]
    (home / "daemon.sock").chmod(0o666)
    report = {one["part"]: one for one in answer("doctor", code=1)["findings"]}
    assert report["socket"]["text"].endswith(f"run: chmod 600 {home / 'daemon.sock'}")


@pytest.mark.usefixtures("daemon")
def test_a_socket_left_behind_stands_in_no_verbs_way(loci: Loci, answer: Ask, home: Path) -> None:
    Home(home).end()
    assert (home / "daemon.sock").exists()
    loci("remember", "after the crash")
    report = {one["part"]: one for one in answer("doctor")["findings"]}
    assert report["owner"]["text"].startswith("no process holds the directory")
    assert "No daemon runs" in loci("daemon", "status", code=3).stdout


def test_wrong_settings_do_not_keep_a_daemon_from_being_stopped(
    loci: Loci, answer: Ask, daemon: int, home: Path
) -> None:
    configured(home, "threads = 'many'")
    assert loci("ls", code=2).stderr
    assert answer("daemon", "status")["pid"] == daemon
    assert answer("daemon", "stop")["stopped"]


def test_its_commands_have_help_and_the_inner_one_is_not_shown(loci: Loci) -> None:
    said = " ".join(loci("daemon", "--help").stdout.split())
    assert all(f" {command} " in said for command in ("status", "stop", "logs"))
    assert " run " not in said
    for command in ("status", "stop", "logs"):
        assert "--home" in loci("daemon", command, "--help").stdout
    assert loci("daemon", "nonsense", code=2).stderr


def test_a_verb_waits_for_a_daemon_that_leaves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = owned(home, "loci daemon")
    leaving.__enter__()
    looks: list[float] = []

    def look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            leaving.__exit__(None, None, None)

    async def verb(shell: Shell) -> Status:
        return await shell(verbs.status)

    monkeypatch.setattr(module.time, "sleep", look)
    settings = Settings(home=home, embedder="hash", index="none")
    assert module.ask(module.Flags(), settings, "stats", verb).healthy
    assert len(looks) == 3
