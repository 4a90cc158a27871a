"""Structured concurrency as it is used here: groups that raise plainly, work that must not be cut."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

__all__ = ["task_group", "uninterrupted"]

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncGenerator[TaskGroup]:
    """A task group that raises a single failure as it is, not in a group of one.

    Whoever opens the ledger or the engine wants the error of the body, whichever tasks ran beside it.
    """
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


async def uninterrupted(work: Awaitable[T]) -> T:
    """The work's result. A cancellation waits for its end, so that what belongs together stays so."""
    results: list[T] = []
    with anyio.CancelScope(shield=True):
        results.append(await work)
    return results[0]
