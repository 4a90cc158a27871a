"""One connection writes; what waits together commits together.

Jobs that wait while a commit is on its way to the disk form the next group: one transaction, one
fsync. If any of a group fails, the whole is
rolled back and each runs again by itself, so that one caller's error is no other's. A job may
therefore run twice, and must read whatever it decides on from its connection.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from sqlalchemy import Connection, Engine

from ..errors import SHUTTING_DOWN, StoreError
from ..tasks import Ticket, waiting
from .faults import translate
from .jobs import Job, run_jobs

__all__ = ["Writer"]

T = TypeVar("T")

_Ticket = Ticket[Job[Any], Any]
_GROUP = 128
"""Jobs in one commit at the most: bounds how long the first of them waits for the last."""


class Writer:
    """Runs jobs in groups. `run` must be running for `write` to end."""

    __slots__ = ("_engine", "_inbox", "_outbox", "_queue", "_thread")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = anyio.CapacityLimiter(1)
        ends = anyio.create_memory_object_stream[_Ticket](_GROUP)
        self._queue = ends[0].statistics
        self._inbox: ObjectSendStream[_Ticket] = ends[0]
        self._outbox: ObjectReceiveStream[_Ticket] = ends[1]

    async def write(self, job: Job[T]) -> T:
        """The job's result, after its commit. A caller that is cancelled before may have written.

        Raises:
            StoreError: the disk, the rights or the file are at fault; nothing was kept.
            LociError: what the job raised; nothing of it was kept.
        """
        # Not by its full name, which would double what it costs to make one.
        ticket: Ticket[Job[T], T] = Ticket(job)
        try:
            await self._inbox.send(ticket)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise StoreError(SHUTTING_DOWN) from None
        return await ticket.outcome()

    @property
    def waiting(self) -> int:
        """Jobs that wait for their group."""
        return self._queue().current_buffer_used

    async def run(self) -> None:
        """Write until `close`, then drain what was accepted."""
        async with self._outbox:
            connection = await self._on_thread(self._engine.connect)
            try:
                async for first in self._outbox:
                    await self._write_group(connection, [first, *waiting(self._outbox, _GROUP - 1)])
            finally:
                with anyio.CancelScope(shield=True):
                    await self._on_thread(connection.close)

    async def close(self) -> None:
        """Accept nothing more. `run` ends when all that was accepted is written."""
        await self._inbox.aclose()

    async def _on_thread(self, work: Callable[[], T]) -> T:
        """One hop, however many statements it takes. Others may have all the common threads."""
        return await to_thread.run_sync(work, limiter=self._thread)

    async def _write_group(self, connection: Connection, group: list[_Ticket]) -> None:
        group = [ticket for ticket in group if not ticket.abandoned]
        # A commit that has begun must end: whoever waits for it is told the truth.
        with anyio.CancelScope(shield=True):
            if len(group) > 1 and await self._attempt(connection, group):
                return
            for ticket in group:
                await self._attempt(connection, [ticket], alone=True)

    async def _attempt(
        self, connection: Connection, group: list[_Ticket], *, alone: bool = False
    ) -> bool:
        """Whether the group was committed. Alone, a failure is the ticket's answer."""
        try:
            jobs = [ticket.item for ticket in group]
            results = await self._on_thread(partial(_commit, connection, jobs))
        except Exception as error:  # noqa: BLE001 - it is raised again, where the job was asked for
            if alone:
                group[0].fail(_expected(error))
            return alone
        for ticket, result in zip(group, results, strict=True):
            ticket.answer(result)
        return True


def _commit(connection: Connection, jobs: Sequence[Job[Any]]) -> list[Any]:
    with connection.begin():
        return run_jobs(connection, jobs)


def _expected(error: Exception) -> Exception:
    return translate(error) or error
