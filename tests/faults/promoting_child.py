"""A process that notes and promotes as fast as it can, and says what was acknowledged, until it is killed.

Usage: promoting_child.py HOME SEED. Four sessions are written and promoted side by side, by hand and
because their small scratchpads are full. Every acknowledged note is a line of JSON on standard output.
"""

import json
import os
import random
import sys
from pathlib import Path

import anyio

from loci.server.embedding import HashEmbedder
from loci.server.engine import Limits, Memories, open_engine
from loci.server.ledger import open_ledger
from loci.server.model import NewNote, Policy, Section
from loci.server.tokens import TokenCounter
from loci.server.workspace.scratchpads import PadLimits

LIMITS = Limits(policy=Policy(threshold=0), pads=PadLimits(characters=2000))


async def work(memories: Memories, session: str, dice: random.Random) -> None:
    for number in range(100_000):
        content = f"Fact {session}-{number} is kept."
        await memories.note(NewNote(session=session, section=Section.OBSERVATION, content=content))
        os.write(1, json.dumps({"noted": content}).encode() + b"\n")
        if dice.random() < 0.3:
            await memories.promote(session)


async def main(home: Path, seed: int) -> None:
    async with (
        open_ledger(home / "ledger.db") as ledger,
        open_engine(ledger, HashEmbedder(), TokenCounter(), limits=LIMITS) as engine,
    ):
        memories = await engine.for_tenant("somebody")
        async with anyio.create_task_group() as tasks:
            for place in range(4):
                session = f"{seed}-{place}"
                tasks.start_soon(work, memories, session, random.Random(session))


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
