"""Structured concurrency as it is used here: groups that raise plainly, work that must not be cut,
and tickets for work that another task does."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio.abc import ObjectReceiveStream, TaskGroup

__all__ = ["Ticket", "task_group", "uninterrupted", "waiting"]

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


@dataclass(slots=True, eq=False)
class Ticket(Generic[A, B]):
    """One caller's item, and what the task that works on it makes of it."""

    item: A
    abandoned: bool = False
    """Its caller was cancelled and will not hear the answer."""
    _done: anyio.Event = field(default_factory=anyio.Event)
    _result: B | None = None
    _error: Exception | None = None

    def answer(self, result: B) -> None:
        """End the caller's wait."""
        self._result = result
        self._done.set()

    def fail(self, error: Exception) -> None:
        """End the caller's wait, unless it has its answer."""
        if not self._done.is_set():
            self._error = error
            self._done.set()

    async def outcome(self) -> B:
        """The answer, when it is there. Raises the failure."""
        try:
            await self._done.wait()
        finally:
            self.abandoned = True
        if self._error is not None:
            raise self._error
        return cast("B", self._result)


def waiting(outbox: ObjectReceiveStream[T], limit: int) -> list[T]:
    """What waits in a stream right now, up to a limit."""
    receive = cast("Any", outbox).receive_nowait
    found: list[T] = []
    while len(found) < limit:
        try:
            found.append(receive())
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
    return found


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
