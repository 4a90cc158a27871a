"""A process that counts on a board by compare-and-swap, and says what was acknowledged, until it is killed.

Usage: board_child.py HOME. Eight tasks increment one cell and append to a list of their own, each under
an idempotency key; every acknowledgement is a line of JSON on standard output.
"""

import json
import os
import sys
from pathlib import Path

import anyio
from support.boards import as_agent, open_boards

from loci.server.errors import Stale
from loci.server.model import BoardQuery, CellWrite, Op
from loci.server.workspace import Boards

WRITERS = 8


def say(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


async def count(boards: Boards, name: str) -> None:
    for number in range(100_000):
        entry = f"{name}-{number}"
        write = CellWrite(key=name, value=entry, op=Op.APPEND, request=entry)
        say(asked=entry)
        await boards.write("plan", write)
        say(kept=entry)
        cells = (await boards.read("plan", BoardQuery(key="count"))).cells
        value, version = (cells[0].value, cells[0].version) if cells else (0, 0)
        try:
            done = await boards.write(
                "plan", CellWrite(key="count", value=value + 1, if_version=version)
            )
        except Stale:
            continue
        say(counted=done.cell.value)


async def main(home: Path, life: str) -> None:
    async with open_boards(home, history=10_000) as memories, anyio.create_task_group() as tasks:
        for writer in range(WRITERS):
            tasks.start_soon(count, as_agent(memories), f"{life}.{writer}")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
