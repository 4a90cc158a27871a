"""Worker threads of one model, as many as cores."""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

__all__ = ["Runners", "cores"]

A = TypeVar("A")
R = TypeVar("R")

_SLICE = 0.02
"""Seconds of work after which a runner comes back to the loop: the wait of a cancellation."""

_ASKING = 0.25
"""Seconds after an urgent piece of work in which the next one is to be expected."""


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Runners:
    """Runs blocking work, at most `threads` pieces at once.

    Urgent work has places of its own: it does not queue behind a long batch but shares the cores
    with it. While questions come, batches leave a thread's core to them: an answer is more than its
    vector.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = threads
        self._clock = clock
        self._asked_at: float | None = None
        self._batches = anyio.CapacityLimiter(threads)
        self._held_back = anyio.CapacityLimiter(max(1, threads - 1))
        self._urgent = anyio.CapacityLimiter(threads)

    async def one(self, work: Callable[[], R]) -> R:
        """`work()`, at once. A cancellation waits for its end."""
        self._asked_at = self._clock()
        return await anyio.to_thread.run_sync(work, limiter=self._urgent)

    async def each(self, work: Callable[[A], R], items: Sequence[A]) -> list[R]:
        """`work(item)` for each item, in the order of `items`, spread over the threads.

        The first exception of `work` is raised as it is, and what has not begun is left.
        """
        batch = _Batch(work, items)
        try:
            async with anyio.create_task_group() as group:
                for _ in range(min(self._threads, len(items))):
                    group.start_soon(self._drain, batch)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return batch.results()

    async def _drain(self, batch: "_Batch[A, R]") -> None:
        while batch.waiting:
            asked = self._asked_at is not None and self._clock() - self._asked_at < _ASKING
            limiter = self._held_back if asked else self._batches
            await anyio.to_thread.run_sync(batch.work_for, _SLICE, limiter=limiter)


class _Batch(Generic[A, R]):
    """Items that several threads take from, each as many as it can do in its slice."""

    def __init__(self, work: Callable[[A], R], items: Sequence[A]) -> None:
        self.waiting = deque(enumerate(items))
        self._work = work
        self._done: dict[int, R] = {}

    def work_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                index, item = self.waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            self._done[index] = self._work(item)

    def results(self) -> list[R]:
        return [self._done[index] for index in range(len(self._done))]
