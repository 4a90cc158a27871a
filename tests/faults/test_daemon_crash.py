"""kill -9 of clients and daemon at any moment: what was acknowledged is there, once; batches whole."""

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from support.daemons import Home, a_home
from support.wires import Era, Wire

pytestmark = pytest.mark.anyio

CLIENTS = 8
CALLS = 100
SECONDS = 240.0

Batches = dict[int, list[str]]
Broken = (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError)


class Storm:
    """Clients that remember, and somebody who kills them and the daemon between their answers."""

    def __init__(self, home: Home, seed: int, calls: int, kills: Sequence[str]) -> None:
        self.home = home
        self.acknowledged: set[str] = set()
        self._dice = random.Random(seed)
        self._calls = calls
        self._shims: dict[int, Wire] = {}
        moments = sorted(self._dice.sample(range(1, CLIENTS * calls - 1), len(kills)))
        self._due = list(zip(moments, self._dice.sample(kills, len(kills)), strict=True))
        self._answers = 0

    async def run(self) -> None:
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for client in range(CLIENTS):
                    tasks.start_soon(self._remember, client)
        assert not self._due

    async def _remember(self, client: int) -> None:
        era: Era = "modern" if client % 2 else "legacy"
        sizes = [self._dice.choice([1, 1, 1, 2, 5, 20]) for _ in range(self._calls)]
        left = {
            number: [f"Fact {client}-{number}-{part} of {size}." for part in range(size)]
            for number, size in enumerate(sizes, 1)
        }
        while left:
            async with self.home.shim(era=era, seconds=SECONDS) as wire:
                self._shims[client] = wire
                with suppress(*Broken):
                    await wire.open()
                    await self._ask_all(wire, left)
                if not left:
                    await wire.end()
                    code, said = await wire.ended()
                    assert (code, said) in ((0, ""), (-signal.SIGKILL, "")), said
                else:
                    code, said = await wire.ended()
                    assert code in (1, -signal.SIGKILL), (code, said)
                    assert code < 0 or "the daemon ended before everything was answered" in said

    async def _ask_all(self, wire: Wire, left: Batches) -> None:
        """All that is not acknowledged, at once."""
        asked = [
            wire.request(
                number, "tools/call", {"name": "remember", "arguments": {"content": texts}}
            )
            for number, texts in left.items()
        ]

        async def ask() -> None:
            with suppress(*Broken):
                for line in asked:
                    await wire.write(line)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            while left:
                answer = await hear(wire)
                if answer is None:
                    tasks.cancel_scope.cancel()
                    return
                self.acknowledged.update(left.pop(answer))
                self._answered()

    def _answered(self) -> None:
        self._answers += 1
        while self._due and self._answers >= self._due[0][0]:
            _, whom = self._due.pop(0)
            with suppress(ProcessLookupError):
                match whom:
                    case "daemon":
                        for one in self.home.daemons():
                            os.kill(one.pid, signal.SIGKILL)
                    case _:
                        # Not by the process: that would look for its end first, and take the code of
                        # one that has just ended from whoever waits for it.
                        shim = self._dice.choice(list(self._shims.values()))
                        if shim.process.returncode is None:
                            os.kill(shim.process.pid, signal.SIGKILL)


async def hear(wire: Wire) -> int | None:
    """Which call was answered; None where nothing can come any more."""
    try:
        answer = await wire.hear()
    except (*Broken, json.JSONDecodeError):
        return None
    assert not answer["result"].get("isError"), answer
    return int(answer["id"])


async def everything(home: Home) -> Counter[str]:
    """All that is there, page by page."""
    found: dict[str, str] = {}
    async with home.client() as wire:
        for tier in ("hot", "warm"):
            cursor: str | None = ""
            while cursor is not None:
                uri = f"memory://tiers/{tier}?limit=100{cursor}"
                await wire.ask(1, "resources/read", {"uri": uri})
                (page,) = (await wire.hear())["result"]["contents"]
                shown = json.loads(page["text"])
                found |= {one["id"]: one["content"] for one in shown["memories"]}
                cursor = f"&cursor={shown['cursor']}" if "cursor" in shown else None
    return Counter(found.values())


async def weather(home: Home, seed: int, calls: int, kills: Sequence[str]) -> None:
    storm = Storm(home, seed, calls, kills)
    await storm.run()
    there = await everything(home)
    assert set(there) == storm.acknowledged
    assert not [text for text, count in there.items() if count > 1], "twice"
    parts = Counter(text.rpartition("-")[0] for text in there)
    torn = [
        text
        for text in there
        if parts[text.rpartition("-")[0]] != int(text.split()[-1].removesuffix("."))
    ]
    assert not torn, "a batch is all or nothing"


async def test_nothing_acknowledged_is_lost_when_clients_and_daemon_are_killed(
    tmp_path: Path,
) -> None:
    with a_home(tmp_path / "home") as home:
        await weather(home, 0, 30, ["client"] * 3 + ["daemon"] * 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
async def test_nothing_acknowledged_is_lost_to_many_kills(tmp_path: Path, seed: int) -> None:
    with a_home(tmp_path / "home") as home:
        await weather(home, seed, CALLS, ["client"] * 12 + ["daemon"] * 6)
