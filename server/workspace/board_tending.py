"""The task that ends cells when their time is up, so that whoever waits for that hears of it.

Correctness does not depend on it: a read or a write that comes upon such a cell ends it first.
"""

from collections.abc import Callable
from datetime import datetime

import anyio
import structlog

from ..errors import StoreError
from ..tasks import uninterrupted
from .blackboard import Blackboard

__all__ = ["BoardTending"]

_LONGEST = 60.0
"""Seconds between two looks at the clock, which may be set."""

_log = structlog.get_logger("loci.boards")


class BoardTending:
    """Blackboards of all tenants, and when their next cell expires."""

    __slots__ = ("_clock", "_due", "_wake")

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._due: dict[Blackboard, datetime] = {}
        self._wake = anyio.Event()

    def due(self, blackboard: Blackboard, at: datetime) -> None:
        """Have a cell ended then."""
        if blackboard not in self._due or at < self._due[blackboard]:
            self._due[blackboard] = at
            self._wake.set()

    def leave(self, blackboard: Blackboard) -> None:
        """Tend a blackboard no more."""
        self._due.pop(blackboard, None)

    async def run(self) -> None:
        """End cells for ever. A tenant whose cells cannot be ended now is tried again later."""
        while True:
            await self._sleep()
            now = self._clock()
            for blackboard in [one for one, at in self._due.items() if at <= now]:
                self._due.pop(blackboard, None)
                await self._expire(blackboard)

    async def _sleep(self) -> None:
        """Until the next is due by the clock, or another may be."""
        first = min(self._due.values(), default=None)
        seconds = _LONGEST if first is None else (first - self._clock()).total_seconds()
        with anyio.move_on_after(min(_LONGEST, max(0.0, seconds))):
            await self._wake.wait()
        self._wake = anyio.Event()

    async def _expire(self, blackboard: Blackboard) -> None:
        try:
            at = await uninterrupted(blackboard.expire())
        except StoreError as error:
            _log.warning("cells cannot be ended now", error=str(error))
            return
        if at is not None:
            self.due(blackboard, at)
