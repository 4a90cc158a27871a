"""A process that remembers, revises and forgets while its index is fed without pause, and says what
was acknowledged, until it is killed.

Usage: feeding_child.py HOME SEED
"""

import os
import random
import sys
from hashlib import sha256
from pathlib import Path

import anyio
from support.engines import keep, opened

from loci.server.engine import Engine, Limits
from loci.server.errors import IndexFailed

WRITERS = 4


def say(kind: str, text: str) -> None:
    os.write(1, f"{kind} {text}\n".encode())


async def write(engine: Engine, name: str, dice: random.Random) -> None:
    memories = await engine.for_tenant("somebody")
    for number in range(100_000):
        # A word of its own for each: the check asks by the text, among thousands like it.
        texts = [
            f"Fact {sha256(f'{name}-{number}-{part}'.encode()).hexdigest()[:12]} of {name}"
            for part in range(dice.choice([1, 2, 30]))
        ]
        ids = await keep(memories, *texts)
        for text in texts:
            say("kept", text)
        if dice.random() < 0.3:
            # Killed from here on, nobody can say whether it is gone.
            say("going", texts[0])
            await memories.forget(ids[:1])
            say("gone", texts[0])


async def feed(engine: Engine) -> None:
    while True:
        try:
            status = await engine.feed("somebody")
            say("fed", status.state)
        except IndexFailed as error:
            say("unfed", str(error))
            # Until the worker is started again; what is written meanwhile must be found all the same.
            await anyio.sleep(0.05)


async def main(home: Path, seed: int) -> None:
    async with (
        opened(home, limits=Limits(exact_up_to=0), index=True) as engine,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(feed, engine)
        for writer in range(WRITERS):
            dice = random.Random(f"{seed}-{writer}")
            tasks.start_soon(write, engine, f"{seed}-{writer}", dice)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
