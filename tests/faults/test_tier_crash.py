"""kill -9 while memories move between the tiers: each is in one tier, with its whole content."""

import json
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from support.children import started
from support.engines import ask, open_memories

from loci.server.engine import Memories
from loci.server.model import Tier

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("tier_child.py")


def move_until_killed(home: Path, seed: int) -> dict[str, str]:
    """What was acknowledged before the kill, which falls on a random round."""
    rounds = random.Random(seed).randrange(15, 40)
    kept: dict[str, str] = {}
    with started(CHILD, home, seed) as child:
        assert child.stdout is not None
        for line in child.stdout:
            kept |= json.loads(line) if line.endswith(b"\n") else {}
            rounds -= 1
            if not rounds:
                child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    return kept


async def tier_of_each(memories: Memories) -> list[tuple[str, str, Tier]]:
    found: list[tuple[str, str, Tier]] = []
    for tier in Tier:
        cursor: str | None = None
        while True:
            page = await memories.page(tier, cursor=cursor, limit=100)
            found += [(one.id, one.content, tier) for one in page.memories]
            cursor = page.cursor
            if cursor is None:
                break
    return found


async def survive(home: Path, kills: int) -> None:
    kept: dict[str, str] = {}
    for seed in range(kills):
        kept |= move_until_killed(home, seed)
        async with open_memories(home) as memories:
            found = await tier_of_each(memories)
            assert max(Counter(one for one, _, _ in found).values()) == 1
            there = {one: content for one, content, _ in found}
            assert kept.items() <= there.items()
            cold = [content for _, content, tier in found if tier is Tier.COLD]
            assert len(cold) > 20, "memories moved"
            for content in (cold[0], cold[-1]):
                assert content in await ask(memories, content.partition(" ")[0])


async def test_kill_9_leaves_every_memory_in_one_tier(tmp_path: Path) -> None:
    await survive(tmp_path, kills=2)


@pytest.mark.slow
async def test_30_times_kill_9_leave_every_memory_in_one_tier(tmp_path: Path) -> None:
    await survive(tmp_path, kills=30)
