"""kill -9 of the worker and of the server while the index is fed: recall misses nothing that was
acknowledged, and nothing comes back that was forgotten."""

import random
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread
import pytest
from support.children import started
from support.engines import ask, opened
from support.workers import workers

from loci.server.engine import Limits, Memories

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CHILD = Path(__file__).with_name("feeding_child.py")
SAMPLE = 12


@dataclass
class Told:
    """What the child said."""

    kept: list[str] = field(default_factory=list[str])
    going: list[str] = field(default_factory=list[str])
    """Forgetting had begun."""
    gone: list[str] = field(default_factory=list[str])
    fed: int = 0

    def hear(self, output: IO[bytes], until: int) -> bool:
        """Listen until so many more lines came. Whether there may be more."""
        for line in output:
            kind, _, text = line.decode().removesuffix("\n").partition(" ")
            if line.endswith(b"\n"):
                match kind:
                    case "kept":
                        self.kept.append(text)
                    case "going":
                        self.going.append(text)
                    case "gone":
                        self.gone.append(text)
                    case _:
                        self.fed += kind == "fed"
                until -= 1
            if until <= 0:
                return True
        return False


def harass(home: Path, seed: int, told: Told) -> None:
    """Start the child; kill a worker of it at a random moment, then itself."""
    dice, before = random.Random(seed), told.fed
    with started(CHILD, home, seed) as child:
        assert child.stdout is not None
        for _ in range(dice.randrange(3)):
            assert told.hear(child.stdout, dice.randrange(1, 400))
            for worker in workers(child.pid):
                if dice.random() < 0.6:
                    worker.kill()
        assert told.hear(child.stdout, dice.randrange(1, 400))
        # However slow the machine is: some of these deaths come after an index was fed.
        while seed % 4 == 0 and told.fed == before:
            assert told.hear(child.stdout, 1)
        left = workers(child.pid)
        child.send_signal(signal.SIGKILL)
        told.hear(child.stdout, 1_000_000)
        assert child.wait(30) == -signal.SIGKILL
        for worker in left:
            worker.wait(10)


async def check(memories: Memories, told: Told, seed: int) -> None:
    going = set(told.going)
    kept = [text for text in told.kept if text not in going]
    dice = random.Random(seed)
    for text in [*kept[-SAMPLE:], *dice.sample(kept, min(SAMPLE, len(kept)))]:
        assert text in await ask(memories, text)
    for text in told.gone[-SAMPLE:]:
        assert text not in await ask(memories, text)


async def survive(home: Path, rounds: int) -> None:
    told = Told()
    for seed in range(rounds):
        await anyio.to_thread.run_sync(harass, home, seed, told)
        with anyio.fail_after(60):
            async with opened(home, limits=Limits(exact_up_to=0), index=True) as engine:
                memories = await engine.for_tenant("somebody")
                await check(memories, told, seed)
                status = await engine.feed("somebody")
                assert (status.state, status.searched) == ("current", "through the index")
                await check(memories, told, seed + 1)
    assert told.fed >= rounds // 4


async def test_recall_is_complete_after_kill_9_while_feeding(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=1)


async def test_recall_is_complete_after_50_times_kill_9_while_feeding(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=50)
