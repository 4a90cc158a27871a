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

LONGEST = 0.04
"""Seconds from the beginning of an erasure to the alarm; it takes some .02."""


def say(kind: str, name: str) -> None:
    os.write(1, f"{kind} {name}\n".encode())


async def main(home: Path, seed: int) -> None:
    dice = random.Random(seed)
    last = dice.randrange(1, 4)
    async with opened(home, index=True) as engine:
        for number in range(last + 1):
            name = f"quarry{seed}x{number}"
            await keep(
                await engine.for_tenant(name), *(f"{name} has slate {n}." for n in range(20))
            )
            if seed % 2:
                await engine.feed(name)
            say("going", name)
            if number == last:
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.0005, LONGEST))
            await engine.erase_tenant(name)
            say("gone", name)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
