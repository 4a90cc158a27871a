"""A process that remembers, archives, compresses and uses again as fast as it can, until it is killed.

Usage: tier_child.py HOME SEED. Each acknowledged batch is a line of JSON on standard output: ids and
contents. A day passes with each round, so that the budget of 20 memories has work to do.
"""

import json
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from loci.server.embedding import HashEmbedder
from loci.server.engine import Limits, open_engine
from loci.server.ledger import open_ledger
from loci.server.model import Draft, ForgetMode, Query
from loci.server.tiers import Budget, Warmth
from loci.server.tokens import TokenCounter


async def main(home: Path, seed: int) -> None:
    dice = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=400 * seed)
    day = 0

    def clock() -> datetime:
        return start + timedelta(days=day)

    warmth = Warmth(budget=Budget(count=20), young=timedelta(days=2))
    limits = Limits(hot=Budget(count=3), warmth=warmth)
    async with (
        open_ledger(home / "ledger.db") as ledger,
        open_engine(ledger, HashEmbedder(), TokenCounter(), limits=limits, clock=clock) as engine,
    ):
        memories = await engine.for_tenant("somebody")
        for day in range(10_000):
            texts = [f"k{seed}d{day}n{n} {'word ' * dice.choice([3, 90])}" for n in range(4)]
            kept = await memories.remember([Draft(content=text) for text in texts])
            line = {one.id: text for one, text in zip(kept, texts, strict=True)}
            os.write(1, json.dumps(line).encode() + b"\n")
            await memories.recall(Query(text=f"k{seed}d{dice.randrange(day + 1)}n2"))
            await memories.forget([kept[0].id], ForgetMode.ARCHIVE)
            await memories.tidy()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
