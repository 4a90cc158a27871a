"""One connection writes; what waits together commits together.

Jobs that wait while a commit is on its way to the disk form the next group: one transaction, one
fsync. If any of a group fails, the whole is
rolled back and each runs again by itself, so that one caller's error is no other's. A job may
therefore run twice, and must read whatever it decides on from its connection.
"""

from typing import Any, TypeVar

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ..errors import StoreError
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

    __slots__ = ("_engine", "_inbox", "_outbox", "_queue")

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
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
        ticket = Ticket[Job[T], T](job)
        try:
            await self._inbox.send(ticket)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise StoreError("Loci is shutting down; repeat when it is back.") from None
        return await ticket.outcome()

    @property
    def waiting(self) -> int:
        """Jobs that wait for their group."""
        return self._queue().current_buffer_used

    async def run(self) -> None:
        """Write until `close`, then drain what was accepted."""
        async with self._outbox, self._engine.connect() as connection:
            async for first in self._outbox:
                await self._write_group(connection, [first, *waiting(self._outbox, _GROUP - 1)])

    async def close(self) -> None:
        """Accept nothing more. `run` ends when all that was accepted is written."""
        await self._inbox.aclose()

    async def _write_group(self, connection: AsyncConnection, group: list[_Ticket]) -> None:
        group = [ticket for ticket in group if not ticket.abandoned]
        # A commit that has begun must end: whoever waits for it is told the truth.
        with anyio.CancelScope(shield=True):
            if len(group) > 1 and await self._attempt(connection, group):
                return
            for ticket in group:
                await self._attempt(connection, [ticket], alone=True)

    async def _attempt(
        self, connection: AsyncConnection, group: list[_Ticket], *, alone: bool = False
    ) -> bool:
        """Whether the group was committed. Alone, a failure is the ticket's answer."""
        try:
            async with connection.begin():
                results = await connection.run_sync(lambda c: run_jobs(c, [t.item for t in group]))
        except Exception as error:  # noqa: BLE001 - it is raised again, where the job was asked for
            if alone:
                group[0].fail(_expected(error))
            return alone
        for ticket, result in zip(group, results, strict=True):
            ticket.answer(result)
        return True


def _expected(error: Exception) -> Exception:
    return translate(error) or error
