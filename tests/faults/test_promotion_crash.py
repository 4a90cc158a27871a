"""kill -9 in the middle of promotions: a note is promoted once or not yet, never twice, never half."""

import json
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from support.children import started
from support.engines import open_memories

from loci.server.engine import Memories
from loci.server.model import Memory

from .promoting_child import LIMITS

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("promoting_child.py")


def note_until_killed(home: Path, seed: int) -> list[str]:
    """The notes that were acknowledged before the kill, which falls on a random one of them."""
    last = random.Random(seed).randrange(10, 80)
    noted: list[str] = []
    with started(CHILD, home, seed) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith(b"\n"):
                noted.append(json.loads(line)["noted"])
            if len(noted) == last:
                child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    return noted


async def all_memories(memories: Memories) -> list[Memory]:
    found: list[Memory] = []
    cursor: str | None = None
    while True:
        page = await memories.page(cursor=cursor, limit=100)
        found += page.memories
        cursor = page.cursor
        if cursor is None:
            return found


async def sessions(memories: Memories, rounds: int) -> list[str]:
    """All: they are listed a hundred at a time."""
    return [one for seed in range(rounds) for one in await memories.pads(f"{seed}-")]


async def check(memories: Memories, noted: list[str], rounds: int) -> None:
    kept = await all_memories(memories)
    by_id = {memory.id: memory for memory in kept}
    assert not [text for text, count in Counter(m.content for m in kept).items() if count > 1]
    in_pads: set[str] = set()
    for session in await sessions(memories, rounds):
        for note in (await memories.pad(session)).notes:
            in_pads.add(note.content)
            promoted = note.decision is not None and note.decision.verdict == "promoted"
            # The memory, the link and the decision: all of them or none.
            assert promoted == (note.memory is not None)
            if note.memory is not None:
                assert by_id[note.memory].content == note.content
                assert by_id[note.memory].metadata == {"notes": note.id}
    contents = {memory.content for memory in kept}
    # What a full scratchpad let go was promoted before.
    assert set(noted) <= in_pads | contents


async def survive(home: Path, rounds: int) -> None:
    noted: list[str] = []
    for seed in range(rounds):
        noted += note_until_killed(home, seed)
        async with open_memories(home, limits=LIMITS) as memories:
            await check(memories, noted, seed + 1)
    async with open_memories(home, limits=LIMITS) as memories:
        for session in await sessions(memories, rounds):
            await memories.promote(session)
        await check(memories, noted, rounds)
        kept = await all_memories(memories)
        assert set(noted) <= {memory.content for memory in kept}
        # A store of the same again would have counted as a use.
        assert {memory.uses for memory in kept} == {1}


async def test_kill_9_in_the_midst_of_promotions_leaves_neither_doubles_nor_losses(
    tmp_path: Path,
) -> None:
    await survive(tmp_path, rounds=2)


@pytest.mark.slow
async def test_20_times_kill_9_in_the_midst_of_promotions(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=20)
