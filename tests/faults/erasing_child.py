"""A process that has tenants come and go, until it is ended in the middle of an erasure.

Usage: erasing_child.py HOME SEED. It says which tenant is going, and which is gone. The alarm that ends it
is the kernel's: like kill -9, it leaves nothing time to be put right.
"""

import os
import random
import signal
import sys
from pathlib import Path

import anyio
from support.engines import keep, opened

from loci.server.engine import Engine

SOONEST = 0.0005
"""Seconds from the beginning of the last erasure to the alarm; 0 would be none."""
LONGEST = 2
"""Times what an erasure took before, as long as that may be."""


def say(kind: str, name: str) -> None:
    os.write(1, f"{kind} {name}\n".encode())


async def come_and_go(engine: Engine, name: str, *, fed: bool, alarm: float = 0.0) -> float:
    """Seconds that the erasure took; `alarm`: after how many of them it ends, if it does."""
    await keep(await engine.for_tenant(name), *(f"{name} has slate {n}." for n in range(20)))
    if fed:
        await engine.feed(name)
    say("going", name)
    signal.setitimer(signal.ITIMER_REAL, alarm)
    began = anyio.current_time()
    await engine.erase_tenant(name)
    say("gone", name)
    return anyio.current_time() - began


async def main(home: Path, seed: int) -> None:
    dice, fed, taken = random.Random(seed), bool(seed % 2), 0.0
    with anyio.fail_after(60):
        async with opened(home, index=True) as engine:
            for number in range(dice.randrange(1, 4)):
                taken = await come_and_go(engine, f"quarry{seed}x{number}", fed=fed)
            alarm = max(SOONEST, dice.uniform(0, LONGEST) * taken)
            await come_and_go(engine, f"quarry{seed}last", fed=fed, alarm=alarm)
            await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
