"""kill -9 at any moment, and a full disk: what was acknowledged is there, once; a batch whole or not."""

import json
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
from support.children import started
from support.engines import ask, open_memories

from loci.server.model import Memory

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("child.py")


def lines(output: IO[bytes]) -> Iterator[dict[str, list[str]]]:
    """What the child says; a line that its death cut off is none."""
    for line in output:
        if line.endswith(b"\n"):
            yield cast("dict[str, list[str]]", json.loads(line))


def write_until_killed(home: Path, seed: int) -> list[list[str]]:
    """The batches that were acknowledged before the kill, which falls on a random one of them:
    seven others are under way then."""
    deadline = random.Random(seed).randrange(1, 60)
    batches: list[list[str]] = []
    with started(CHILD, home, seed) as child:
        assert child.stdout is not None
        for line in lines(child.stdout):
            batches += [line["kept"]] if "kept" in line else []
            if len(batches) == deadline:
                child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    return batches


async def everything(home: Path) -> list[Memory]:
    async with open_memories(home) as memories:
        found: list[Memory] = []
        cursor: str | None = None
        while True:
            page = await memories.page(cursor=cursor, limit=100)
            found += page.memories
            cursor = page.cursor
            if cursor is None:
                return found


async def check(home: Path, acknowledged: list[list[str]]) -> None:
    there = Counter(memory.content for memory in await everything(home))
    assert not [text for text, count in there.items() if count > 1], "twice"
    lost = [text for batch in acknowledged for text in batch if text not in there]
    assert not lost
    parts = Counter(text.rpartition("-")[0] for text in there)
    torn = [
        text
        for text in there
        if text.startswith("Fact ") and parts[text.rpartition("-")[0]] != int(text.split()[-1][:-1])
    ]
    assert not torn, "a batch is all or nothing"


async def survive(home: Path, rounds: int) -> None:
    acknowledged: list[list[str]] = []
    for seed in range(rounds):
        batches = write_until_killed(home, seed)
        acknowledged += batches
        async with open_memories(home) as memories:
            for text in batches[-1]:
                assert text in await ask(memories, text)
    await check(home, acknowledged)


async def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=3)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_to_60_times_kill_9(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=60)


@pytest.mark.parametrize("limit", [300_000, 700_000, 1_500_000])
async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, limit: int) -> None:
    kept: list[str] = []
    refused: list[str] = []
    errors: list[str] = []
    with started(CHILD, tmp_path, 0, limit) as child:
        assert child.stdout is not None
        for line in lines(child.stdout):
            kept += line.get("kept", [])
            refused += line.get("refused", [])
            errors += [str(line["error"])] if "error" in line else []
        assert child.wait(60) == 0
    assert len(errors) == 1
    assert errors[0].startswith(("StoreFull: ", "StoreError: "))
    there = Counter(memory.content for memory in await everything(tmp_path))
    assert there == Counter(kept)
    assert refused
    assert not there.keys() & set(refused)
    assert "There is room again." in there
