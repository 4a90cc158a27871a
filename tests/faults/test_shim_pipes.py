"""The shim's own ends: half-closed pipes, hosts that close or die, and how little it is made of."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import anyio
import pytest
from support.daemons import SHIM, Home, a_home, ending, environment
from support.wires import ENVELOPE, Era

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HOST = """
import subprocess, sys
shim = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
shim.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\\n')
shim.stdin.flush()
shim.stdout.readline()
print(shim.pid, flush=True)
shim.wait()
"""
INSIDE = """
import sys
before = set(sys.modules)
from loci.server.cli import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sorted(set(sys.modules) - before)))
"""
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    with a_home(tmp_path / "home") as home:
        yield home


@pytest.fixture(params=["legacy", "modern"])
def era(request: pytest.FixtureRequest) -> Era:
    return request.param


def run(
    home: Home, said: bytes, command: Sequence[str] = SHIM
) -> subprocess.CompletedProcess[bytes]:
    """All that a host says, and then the end of it."""
    return subprocess.run(
        [*command, "--home", str(home.path)],
        input=said,
        capture_output=True,
        env=environment({}),
        timeout=60,
        check=False,
    )


def lines(era: Era, count: int) -> list[bytes]:
    """An opening and so many calls."""
    said = [json.dumps(one).encode() for one in opening()] if era == "legacy" else []
    more = {"_meta": ENVELOPE} if era == "modern" else {}
    for name in range(1, count + 1):
        arguments = {"content": f"Fact {name}."}
        params = {"name": "remember", "arguments": arguments, **more}
        call = {"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params}
        said.append(json.dumps(call).encode())
    return said


def opening() -> list[dict[str, object]]:
    client = {"name": "test", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    return [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]


@pytest.mark.parametrize("last", [b"\n", b""], ids=["whole", "unfinished"])
def test_what_was_asked_right_before_the_end_is_answered(home: Home, era: Era, last: bytes) -> None:
    for count in (200, 1):
        done = run(home, b"\n".join(lines(era, count)) + last)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        asked = list(range(0 if era == "legacy" else 1, count + 1))
        assert sorted(one["id"] for one in answers) == asked
        assert all("result" in one for one in answers)
        assert (done.returncode, done.stderr) == (0, b"")


def test_an_end_without_a_word_is_no_failure(home: Home) -> None:
    for said in (b"", b"\n", b"\r\n \n"):
        done = run(home, said)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_bytes_that_are_no_message_pass_the_shim_and_are_refused(home: Home) -> None:
    done = run(home, b"\0 0 0\n\xff\xfe\n" + PING)
    first, second, last = (json.loads(line) for line in done.stdout.splitlines())
    assert [one["error"]["code"] for one in (first, second)] == [-32700, -32700]
    assert last == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert done.returncode == 0


def test_a_host_that_closes_its_reading_end_ends_the_shim(home: Home) -> None:
    command = [*SHIM, "--home", str(home.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment({})) as shim:
        assert shim.stdin is not None
        assert shim.stdout is not None
        shim.stdin.write(PING)
        shim.stdin.flush()
        assert json.loads(shim.stdout.readline())["id"] == 1
        shim.stdout.close()
        assert shim.wait(60) == 0
    assert json.loads(run(home, PING).stdout)["id"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no sockets of this kind")
async def test_a_killed_host_leaves_no_shim_behind_and_the_daemon_as_it_was(home: Home) -> None:
    async with home.client() as wire:
        command = [sys.executable, "-c", HOST, *SHIM, "--home", str(home.path)]
        async with await anyio.open_process(command, env=environment({}), stderr=None) as host:
            assert host.stdout is not None
            shim = int(await host.stdout.receive())
            async with ending(shim):
                host.kill()
        assert await wire.contents() == []


def test_pipes_may_be_sockets_that_do_not_block(home: Home) -> None:
    """As Node's are."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        command, wire = [*SHIM, "--home", str(home.path)], theirs.fileno()
        with subprocess.Popen(command, stdin=wire, stdout=wire, env=environment({})) as shim:
            theirs.close()
            ours.settimeout(60)
            with ours.makefile("rwb") as stream:
                texts = [f"Fact {number}. " + "word " * 2000 for number in range(20)]
                arguments = {"content": texts}
                said = [*map(json.dumps, opening())]
                said += [call(1, "remember", arguments)]
                stream.write("".join(one + "\n" for one in said).encode())
                stream.flush()
                assert [json.loads(stream.readline())["id"] for _ in range(2)] == [0, 1]
                recall = {"query": "", "limit": 20, "max_tokens": 100_000}
                for name in range(2, 22):
                    stream.write(call(name, "recall", recall).encode() + b"\n")
                stream.flush()
                ours.shutdown(socket.SHUT_WR)
                answers = [json.loads(line) for line in stream]
            assert sorted(one["id"] for one in answers) == list(range(2, 22))
            assert all(len(found(one)) == 20 for one in answers)
            assert shim.wait(60) == 0


def call(name: int, tool: str, arguments: Mapping[str, object]) -> str:
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params})


def found(answer: dict[str, dict[str, dict[str, list[object]]]]) -> list[object]:
    return answer["result"]["structuredContent"]["recollections"]


def test_what_a_host_left_open_ends_with_the_host(home: Home) -> None:
    """The daemon outlives it, and keeps nothing of it."""
    reading, writing = os.pipe()
    command = [*SHIM, "--home", str(home.path)]
    done = subprocess.run(
        command,
        input=PING,
        capture_output=True,
        env=environment({}),
        pass_fds=[writing],
        timeout=60,
        check=True,
    )
    os.close(writing)
    assert json.loads(done.stdout)["id"] == 1
    os.set_blocking(reading, False)
    try:
        assert os.read(reading, 1) == b"", "somebody still holds the other end"
    finally:
        os.close(reading)


def test_a_host_may_ignore_what_becomes_of_children(home: Home) -> None:
    program = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = run(home, PING, [sys.executable, "-c", program, *SHIM])
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["id"] == 1


def test_the_shim_is_made_of_next_to_nothing(home: Home) -> None:
    for _ in range(2):  # it starts a daemon, and it finds one
        done = run(home, PING, [sys.executable, "-c", INSIDE, "stdio"])
        assert json.loads(done.stdout)["id"] == 1
        modules = done.stderr.decode().split()
        ours = {name for name in modules if name.split(".")[0] == "loci"}
        shim = {name for name in ours if name.startswith("loci.server.shim")}
        assert ours - shim == {"loci", "loci.server", "loci.server.cli"}
        heavy = {"typing", "asyncio", "json", "socket", "subprocess", "argparse", "re", "pathlib"}
        assert not heavy & set(modules)
        assert len(set(modules) - ours) <= 10, modules
