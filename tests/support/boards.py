"""Boards in a real engine, and what is on them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loci.server.engine import Limits, Memories
from loci.server.model import Actor, BoardQuery, CellWrite, Op
from loci.server.workspace import BoardLimits, Boards

from .engines import Clock, open_memories

__all__ = ["as_agent", "cells_of", "open_boards", "values", "write"]


@asynccontextmanager
async def open_boards(
    home: Path, *, clock: Clock | None = None, **limits: int
) -> AsyncGenerator[Memories]:
    """One tenant's memories, with such limits for its boards."""
    given = Limits(boards=BoardLimits(**limits))
    async with open_memories(home, clock=clock, limits=given) as memories:
        yield memories


def as_agent(memories: Memories, agent: str | None = "ann", *scopes: str) -> Boards:
    """The boards as an agent sees them."""
    return memories.boards(Actor(agent=agent, scopes=frozenset(scopes)))


async def write(boards: Boards, key: str, value: Any = None, **more: Any) -> int:
    """Write to the board `plan`; the version that this made."""
    private = more.pop("private", False)
    op = Op(more.pop("op", "set"))
    done = await boards.write(
        "plan", CellWrite(key=key, value=value, op=op, **more), private=private
    )
    return done.cell.version


async def cells_of(boards: Boards, **query: Any) -> list[tuple[str, Any, int]]:
    """Key, value and version of what is read of the board `plan`; of what is gone, how."""
    private = query.pop("private", False)
    options: dict[str, Any] = {"limit": 1000, "max_tokens": 100_000, **query}
    given = BoardQuery(**options)
    page = await boards.read("plan", given, private=private)
    return [(c.key, c.op.value if c.gone else c.value, c.version) for c in page.cells]


async def values(boards: Boards, **query: Any) -> dict[str, Any]:
    """What is on the board `plan`."""
    return {key: value for key, value, _ in await cells_of(boards, **query)}
