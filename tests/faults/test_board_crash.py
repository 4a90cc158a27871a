"""kill -9 between a write to a board and its answer: what was acknowledged is there, once; a repeat under
its idempotency key tells which of the others are."""

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from support.boards import as_agent, open_boards
from support.children import started

from loci.server.model import BoardQuery, CellWrite, Op
from loci.server.workspace import Boards

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("board_child.py")


def write_until_killed(home: Path, life: int) -> list[dict[str, Any]]:
    """What the child said before its death, which falls between two of its words."""
    deadline = random.Random(life).randrange(20, 200)
    said: list[dict[str, Any]] = []
    with started(CHILD, home, life) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith(b"\n"):
                said.append(json.loads(line))
            if len(said) == deadline:
                child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    return said


async def check(boards: Boards, said: list[dict[str, Any]]) -> None:
    lists: dict[str, list[str]] = {}
    for entry in [line["asked"] for line in said if "asked" in line]:
        # The repeat of a write whose answer nobody heard.
        again = CellWrite(key=entry.rpartition("-")[0], value=entry, op=Op.APPEND, request=entry)
        done = await boards.write("plan", again)
        if {"kept": entry} in said:
            assert done.repeated, entry
        lists.setdefault(again.key, []).append(entry)
    for key, entries in lists.items():
        (cell,) = (await boards.read("plan", BoardQuery(key=key, max_tokens=100_000))).cells
        assert cell.value == entries
    counted = [line["counted"] for line in said if "counted" in line]
    if counted:
        (cell,) = (await boards.read("plan", BoardQuery(key="count"))).cells
        assert len(set(counted)) == len(counted), "an update was lost"
        assert cell.value >= max(counted)


@pytest.mark.parametrize("lives", [2, pytest.param(8, marks=pytest.mark.slow)])
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, lives: int) -> None:
    for life in range(lives):
        said = write_until_killed(tmp_path, life)
        async with open_boards(tmp_path, history=10_000) as memories:
            ann = as_agent(memories)
            await check(ann, said)
            page = await ann.read("plan", BoardQuery(limit=1000, max_tokens=100_000))
            versions = [
                one.version
                for cell in page.cells
                for one in (await ann.versions("plan", cell.key)).cells
            ]
            assert sorted(versions) == list(range(1, page.version + 1))
