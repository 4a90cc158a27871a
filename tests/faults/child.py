"""A process that remembers as fast as it can, and says what was acknowledged, until it is killed.

Usage: child.py HOME SEED [BYTES]. Eight tasks write singles and batches; every acknowledgement is a
line of JSON on standard output: the batch's texts. With BYTES, files cannot grow beyond so many, as
on a full disk; the refusal is a line too.
"""

import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

import anyio

from loci.server.embedding import HashEmbedder
from loci.server.engine import Memories, open_engine
from loci.server.errors import StoreError
from loci.server.ledger import open_ledger
from loci.server.model import Draft
from loci.server.tokens import TokenCounter

WRITERS = 8


def say(kind: str, value: object) -> None:
    os.write(1, json.dumps({kind: value}).encode() + b"\n")


async def write(memories: Memories, name: str, dice: random.Random) -> None:
    for number in range(100_000):
        size = dice.choice([1, 1, 1, 2, 5, 20])
        texts = [f"Fact {name}-{number}-{part} of {size}." for part in range(size)]
        await memories.remember([Draft(content=text) for text in texts])
        say("kept", texts)


async def fill(memories: Memories) -> None:
    """Until the disk is full. What is refused must leave no trace."""
    for number in range(100_000):
        text = f"Fact {number}. {'padding ' * 200}"
        try:
            await memories.remember([Draft(content=text), Draft(content=f"Tail {number}.")])
        except StoreError as error:
            say("refused", [text, f"Tail {number}."])
            say("error", f"{type(error).__name__}: {error}")
            return
        say("kept", [text, f"Tail {number}."])


async def main(home: Path, seed: int, limit: int | None) -> None:
    async with (
        open_ledger(home / "ledger.db") as ledger,
        open_engine(ledger, HashEmbedder(), TokenCounter()) as engine,
    ):
        memories = await engine.for_tenant("somebody")
        say("ready", os.getpid())
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            await fill(memories)
            resource.setrlimit(
                resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            await memories.remember([Draft(content="There is room again.")])
            say("kept", ["There is room again."])
            return
        async with anyio.create_task_group() as tasks:
            for writer in range(WRITERS):
                dice = random.Random(f"{seed}-{writer}")
                tasks.start_soon(write, memories, f"{seed}-{writer}", dice)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else None)
