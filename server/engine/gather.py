"""Work that is cheaper for many at once: what waits together is done together.

One task takes whatever waits, a group at a time. So a lone caller waits for nobody, and many callers
share the fixed costs of each step: measured with 32 callers, two tasks with smaller groups cost a
third more CPU and do less. If a group fails, each of it is done alone: one caller's error is no
other's.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio

from ..errors import SHUTTING_DOWN, StoreError
from ..tasks import Ticket, waiting

__all__ = ["Gatherer"]

A = TypeVar("A")
B = TypeVar("B")

_GROUP = 16
"""Half of many callers: while one half is embedded, the other is stored."""


class Gatherer(Generic[A, B]):
    """Does work for groups of items. `run` must be running for a call to end."""

    __slots__ = ("_inbox", "_outbox", "_work")

    def __init__(self, work: Callable[[Sequence[A]], Awaitable[Sequence[B]]]) -> None:
        self._work = work
        ends = anyio.create_memory_object_stream[Ticket[A, B]](_GROUP)
        self._inbox, self._outbox = ends

    async def __call__(self, item: A) -> B:
        """What the work makes of one item. Raises what it raises."""
        ticket = Ticket[A, B](item)
        try:
            await self._inbox.send(ticket)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise _ended() from None
        return await ticket.outcome()

    async def run(self) -> None:
        """Work until cancelled; then nobody is left waiting."""
        try:
            await self._serve()
        finally:
            # Taking one lets the next in that could not be sent yet: until there is none.
            while left := waiting(self._outbox, _GROUP):
                for ticket in left:
                    ticket.fail(_ended())
            self._outbox.close()
            self._inbox.close()

    async def _serve(self) -> None:
        while True:
            group = [await self._outbox.receive(), *waiting(self._outbox, _GROUP - 1)]
            try:
                await self._do([ticket for ticket in group if not ticket.abandoned])
            finally:
                for ticket in group:
                    ticket.fail(_ended())

    async def _do(self, group: Sequence[Ticket[A, B]]) -> None:
        if len(group) < 2 or not await self._together(group):
            for ticket in group:
                await self._alone(ticket)

    async def _together(self, group: Sequence[Ticket[A, B]]) -> bool:
        try:
            results = await self._work([ticket.item for ticket in group])
        except Exception:  # noqa: BLE001 - each is done again alone, and its caller told
            return False
        for ticket, result in zip(group, results, strict=True):
            ticket.answer(result)
        return True

    async def _alone(self, ticket: Ticket[A, B]) -> None:
        try:
            (result,) = await self._work([ticket.item])
        except Exception as error:  # noqa: BLE001 - it is raised again, where the work was asked for
            ticket.fail(error)
        else:
            ticket.answer(result)


def _ended() -> StoreError:
    return StoreError(SHUTTING_DOWN)
