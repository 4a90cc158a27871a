"""Guests that the daemon does not trust: other versions, other users, babblers, those who never read."""

import json
import os
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path

import anyio
import psutil
import pytest
from support.daemons import PATIENCE, Home, a_home, ending
from support.wires import MEBIBYTE, Wire

from loci import __version__
from loci.server.shim import hello
from loci.server.shim.where import SOCKET

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NOBODY = 65534
NEWER = "999.1"
# As if another version were installed, for the shim and for the daemon that it starts.
OTHER = 'import os, loci\nloci.__version__ = os.environ["VERSION_OF_TEST"]\n'
AS_NOBODY = f"""
import os, socket, sys
os.setgid({NOBODY})
os.setuid({NOBODY})
connection = socket.socket(socket.AF_UNIX)
os.chdir(sys.argv[1])
connection.connect(sys.argv[2])
try:
    connection.sendall(sys.argv[3].encode() + b"\\n")
    print(connection.recv(1000))
except ConnectionError:
    print(b"")
"""


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    with a_home(tmp_path / "home") as home:
        yield home


@pytest.fixture
def newer(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a newer version."""
    folder = tmp_path / "newer"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OTHER, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "VERSION_OF_TEST": NEWER}


async def finish(wire: Wire) -> str:
    """A client leaves in order. What its shim said."""
    await wire.end()
    code, said = await wire.ended()
    assert code == 0, said
    return said


async def test_an_idle_daemon_gives_way_to_a_newer_version_without_a_word(
    home: Home, newer: Mapping[str, str]
) -> None:
    async with home.client() as wire:
        await wire.result(1, "remember", content="Kept.")
        first = home.pid()
        assert home.status()["version"] == __version__
        await finish(wire)
    async with home.client(env=newer) as wire:
        assert await wire.contents() == ["Kept."]
        assert home.pid() != first
        assert home.status()["version"] == NEWER
        assert await finish(wire) == ""


async def test_a_daemon_in_use_serves_a_newer_version_and_leaves_after_its_last_client(
    home: Home, newer: Mapping[str, str]
) -> None:
    async with home.client() as old:
        first = home.pid()
        async with ending(first):
            async with home.client(env=newer) as new:
                await new.result(1, "remember", content="Kept.")
                assert await old.contents() == ["Kept."]
                assert home.pid() == first
                assert await finish(new) == (
                    f"loci: the daemon is of version {__version__}, this client of {NEWER}: it takes "
                    "over when no client of the daemon is connected. To hasten it: "
                    "loci daemon stop.\n"
                )
            assert await finish(old) == ""
    async with home.client(env=newer) as new:
        assert home.status()["version"] == NEWER
        assert await new.contents() == ["Kept."]


async def test_an_older_client_is_served_and_told(home: Home, newer: Mapping[str, str]) -> None:
    async with home.client(env=newer):
        first = home.pid()
        async with home.client() as old:
            await old.result(1, "remember", content="Kept.")
            assert home.pid() == first
            assert await finish(old) == (
                f"loci: the daemon is of version {NEWER}, this client of {__version__}.\n"
            )


async def test_a_newer_guest_that_is_alone_is_told_to_start_another(home: Home) -> None:
    async with home.client() as wire:
        await finish(wire)
    async with ending(home.pid()):
        with home.knock(version=NEWER) as (_, reply):
            assert (reply.status, reply.text) == (hello.GONE, "")
    assert not (home.path / SOCKET).exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            {"loci": 2, "future": True},
            "refused the daemon speaks version 1 of the shim's protocol and this client version 2. "
            + "Run `loci daemon stop`, or update the older installation.",
        ),
        ({"loci": 1}, "refused the hello is incomplete: update this installation of Loci"),
        (
            {"jsonrpc": "2.0"},
            "refused this is the socket of the Loci daemon; connect with `loci stdio`",
        ),
        ([], "refused this is the socket of the Loci daemon; connect with `loci stdio`"),
    ],
)
async def test_a_hello_that_is_none_is_refused(home: Home, line: object, said: str) -> None:
    async with home.client() as wire:
        with home.connected() as connection, connection.makefile("rwb") as lines:
            lines.write(json.dumps(line).encode() + b"\n")
            lines.flush()
            assert lines.read().decode() == said + "\n"
        assert await wire.contents() == []


async def test_guests_that_say_nothing_or_too_much_hold_nobody_up(home: Home) -> None:
    async with home.client() as wire:
        with home.connected(), home.connected() as babbling, home.connected() as short:
            babbling.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    babbling.send(b"x" * MEBIBYTE)
            short.sendall(b'{"loci":1')
            short.close()
            assert await wire.contents() == []
            async with home.client() as other:
                assert await other.contents() == []


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="needs to be root")
async def test_a_process_of_another_user_is_turned_away(home: Home, tmp_path: Path) -> None:
    async with home.client() as wire:
        for one in (home.path, tmp_path, *tmp_path.parents):
            if not one.stat().st_mode & 0o001:
                one.chmod(one.stat().st_mode | 0o011)
        (home.path / SOCKET).chmod(0o666)
        said = {"loci": 1, "version": __version__, "pid": 1, "door": "status"}
        line = json.dumps({**said, "flags": {}, "environment": {}})
        done = await anyio.run_process(
            [sys.executable, "-c", AS_NOBODY, str(home.path), SOCKET, line]
        )
        assert done.stdout.strip() == b"b''"
        assert "a process of another user was turned away" in home.log()
        assert await wire.contents() == []


async def stuffed(wire: Wire) -> None:
    """A client asks for much more than its pipe and its socket hold, and reads nothing."""
    await wire.result(1, "remember", content=["word " * 4000 + str(n) for n in range(20)])
    arguments = {"query": "", "limit": 20, "max_tokens": 100_000}
    for name in range(2, 302):
        await wire.ask(name, "tools/call", {"name": "recall", "arguments": arguments})


async def test_a_client_that_never_reads_disturbs_nobody(home: Home) -> None:
    async with home.client() as wire, home.client("--tenant", "other") as other:
        daemon = psutil.Process(home.pid())
        await other.contents()
        await stuffed(wire)
        for name in range(50):
            with anyio.fail_after(PATIENCE / 6):
                await other.result(name, "remember", content=f"Fact {name}.")
        # At most 64 answers are under way, of half a megabyte each.
        assert daemon.memory_info().rss < 600 * MEBIBYTE
        wire.process.kill()
        await wire.process.wait()
        assert len(await other.contents()) == 50
        assert daemon.is_running()


async def test_a_client_that_watches_and_never_reads_disturbs_nobody(home: Home) -> None:
    async with home.client() as wire, home.client() as other:
        for name, uri in enumerate(("memory://status", "memory://tiers/warm"), 1):
            await wire.ask(name, "resources/subscribe", {"uri": uri})
            await wire.hear()
        await stuffed(wire)
        for name in range(50):
            with anyio.fail_after(PATIENCE / 6):
                await other.result(name, "remember", content=f"Fact {name}.")


async def test_a_daemon_can_be_stopped_while_a_client_never_reads(home: Home) -> None:
    async with home.client() as wire, home.client() as other:
        await stuffed(wire)
        with anyio.fail_after(PATIENCE):
            await home.stop()
        assert not (home.path / SOCKET).exists()
        assert len(await other.contents()) == 20


async def test_a_client_that_is_killed_is_forgotten(home: Home) -> None:
    async with home.client() as wire, home.client() as other:
        arguments = {"content": [f"Fact {number}." for number in range(20)]}
        await wire.ask(1, "tools/call", {"name": "remember", "arguments": arguments})
        wire.process.send_signal(signal.SIGKILL)
        await wire.process.wait()
        with anyio.fail_after(PATIENCE):
            while len(home.status()["clients"]) > 1:
                await other.contents()
        assert len(await other.contents()) in (0, 20)
