"""The daemon dies or is told to end: what was accepted is answered, and the next word finds another."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.daemons import Home, a_home, ending
from support.wires import Era, Wire

from loci.server.shim.where import SOCKET, STARTING

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LOST = (
    "loci: the daemon ended before everything was answered: what was asked last may or may not have "
    "been done. Start this server again. See {log}\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    with a_home(tmp_path / "home") as home:
        yield home


@pytest.fixture(params=["legacy", "modern"])
def era(request: pytest.FixtureRequest) -> Era:
    return request.param


def lost(home: Home) -> tuple[int, str]:
    return 1, LOST.format(log=home.path / "daemon.log")


async def told_to_stay(home: Home) -> None:
    """Have the daemon read nothing more until it is killed."""
    os.kill(home.pid(), signal.SIGSTOP)


async def test_what_a_killed_daemon_left_behind_is_in_nobodys_way(home: Home) -> None:
    async with home.client() as wire:
        await wire.result(1, "remember", content="Kept.")
    killed = await home.kill()
    assert (home.path / SOCKET).exists()
    assert (home.path / STARTING).exists()
    assert str(killed) in (home.path / "owner.lock").read_text(encoding="utf-8")
    async with home.client() as wire:
        assert await wire.contents() == ["Kept."]
        assert home.pid() != killed


async def test_a_client_that_waits_for_nothing_does_not_notice_that_the_daemon_was_killed(
    home: Home, era: Era
) -> None:
    async with home.client(era=era) as wire:
        await wire.result(1, "remember", content="Kept.")
        for name in (2, 3):
            await home.kill()
            assert await wire.contents(name) == ["Kept."]
        await home.kill()
        await wire.end()
        assert await wire.ended() == (0, "")


async def test_a_client_that_only_discovered_goes_on_with_the_next_daemon(home: Home) -> None:
    async with home.shim(era="modern") as wire:
        await wire.ask(1, "server/discover", {})
        assert "2026-07-28" in (await wire.hear())["result"]["supportedVersions"]
        await home.kill()
        wire.era = "legacy"
        await wire.initialize()
        assert await wire.contents(2) == []
        await home.kill()
        assert await wire.contents(3) == []


async def test_lines_that_were_refused_before_the_handshake_are_not_refused_again(
    home: Home,
) -> None:
    async with home.shim() as wire:
        await wire.write(b"nonsense\n\n")
        assert (await wire.hear())["error"]["code"] == -32700
        await wire.open()
        await wire.result(1, "remember", content="Kept.")
        await home.kill()
        assert await wire.contents() == ["Kept."]


async def test_a_client_whose_request_was_under_way_is_told_and_exits(home: Home, era: Era) -> None:
    async with home.client(era=era) as wire:
        await wire.contents()
        await told_to_stay(home)
        await wire.ask(1, "tools/call", {"name": "recall", "arguments": {"query": ""}})
        # The shim has taken it: whatever is in its way is the daemon's by now.
        await taken(wire)
        await home.kill()
        assert await wire.ended() == lost(home)


async def taken(wire: Wire) -> None:
    """Wait until the shim has read all of its input: a pipe takes a page more only then."""
    filler = b"\n" * (1 << 17)
    await wire.write(filler)


async def test_a_client_that_watches_something_is_told_and_exits(home: Home, era: Era) -> None:
    watched = "memory://status"
    asked: dict[Era, tuple[str, dict[str, Any]]] = {
        "legacy": ("resources/subscribe", {"uri": watched}),
        "modern": (
            "subscriptions/listen",
            {"notifications": {"resourceSubscriptions": [watched]}},
        ),
    }
    async with home.client(era=era) as wire:
        await wire.ask(1, *asked[era])
        await wire.message()
        await home.kill()
        assert await wire.ended() == lost(home)


async def test_a_daemon_that_is_told_to_end_answers_what_was_asked_and_the_next_word_finds_another(
    home: Home, era: Era
) -> None:
    async with home.client(era=era) as wire, home.client() as other:
        await other.contents()
        for name in range(1, 51):
            content = [f"Fact {name}, part {part}." for part in range(5)]
            arguments = {"content": content}
            await wire.ask(name, "tools/call", {"name": "remember", "arguments": arguments})
        first = home.pid()
        async with ending(first):
            # The first answer says that the requests are on their way.
            answers = [await wire.hear()]
            os.kill(first, signal.SIGTERM)
            answers += [await wire.hear() for _ in range(49)]
        assert {one["id"] for one in answers} == set(range(1, 51))
        assert not any(one["result"].get("isError") for one in answers)
        assert not (home.path / SOCKET).exists()
        found = [await one.contents(name) for name, one in ((100, wire), (101, other))]
        assert [len(one) for one in found] == [100, 100]
        assert home.pid() != first


async def test_a_line_that_the_end_of_the_daemon_cuts_in_two_is_no_message(home: Home) -> None:
    async with home.client() as wire:
        await wire.contents()
        line = wire.request(1, "tools/call", {"name": "recall", "arguments": {"query": "x" * 500}})
        # Much more than a socket takes: the shim sends on while the daemon reads.
        await wire.write(b"\n" * (1 << 20) + line[:100])
        await taken_by_daemon(home)
        await home.stop()
        with anyio.move_on_after(0):
            await wire.write(line[100:])
        assert await wire.ended() == lost(home)


async def taken_by_daemon(home: Home) -> None:
    """Wait until the daemon has read what there is: another client's call is behind it."""
    async with home.client() as other:
        await other.contents()


async def test_clients_that_come_while_the_daemon_ends_are_served_by_the_next(home: Home) -> None:
    async with home.client() as wire:
        await wire.result(1, "remember", content=[f"Fact {number}." for number in range(20)])
        first = home.pid()
        os.kill(first, signal.SIGTERM)

        async def come() -> None:
            async with home.client() as other:
                assert len(await other.contents()) == 20

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(come)
        assert home.pid() != first
        assert len(await wire.contents()) == 20
