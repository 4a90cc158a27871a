"""The task that feeds the indexes of all tenants, one at a time, behind the answers.

Every pass costs a copy of the tenant's index, so a tenant waits in proportion to what its last pass
took; unless so much is waiting that searching it exactly would begin to cost.
"""

import anyio
import structlog

from ..errors import IndexFailed, StoreError
from .feed import Feed

__all__ = ["Feeding"]

_LINGER = 1.0
"""Seconds in which changes gather."""
_PAUSE = 20
"""Times what the last pass of a tenant took, until its next."""
_LONGEST = 600.0
_RETRY = 2.0
"""Seconds after the first failure; doubled with each one."""

_log = structlog.get_logger("loci.index")


class Feeding:
    """Indexes that are behind, and when each has its turn."""

    __slots__ = ("_due", "_failures", "_rested", "_wake")

    def __init__(self) -> None:
        self._due: dict[Feed, float] = {}
        self._rested: dict[Feed, float] = {}
        """When a tenant may have its next pass, if it has not fallen far behind."""
        self._failures: dict[Feed, int] = {}
        self._wake = anyio.Event()

    def soil(self, feed: Feed) -> None:
        """Have an index brought up to its ledger soon."""
        due = anyio.current_time() + _LINGER
        if feed in self._failures or not feed.is_far_behind:
            due = max(due, self._rested.get(feed, 0.0))
        if feed not in self._due or due < self._due[feed]:
            self._due[feed] = due
            self._wake.set()

    def leave(self, feed: Feed) -> None:
        """Feed an index no more."""
        for held in (self._due, self._rested, self._failures):
            held.pop(feed, None)

    async def run(self) -> None:
        """Feed for ever."""
        while True:
            await self._sleep()
            feed = min(self._due, key=self._due.__getitem__, default=None)
            if feed is not None and self._due[feed] <= anyio.current_time():
                del self._due[feed]
                await self._turn(feed)

    async def _sleep(self) -> None:
        """Until the next is due, or something changes."""
        next_ = min(self._due.values(), default=float("inf"))
        with anyio.move_on_after(max(0.0, next_ - anyio.current_time())):
            await self._wake.wait()
        self._wake = anyio.Event()

    async def _turn(self, feed: Feed) -> None:
        begun = anyio.current_time()
        try:
            await feed.step()
            self._failures.pop(feed, None)
        except (IndexFailed, StoreError) as error:
            failures = self._failures[feed] = self._failures.get(feed, 0) + 1
            pause = min(_LONGEST, _RETRY * 2 ** (failures - 1))
            feed.failure = str(error)
            _log.warning("the index cannot be fed now", error=str(error), again_in=pause)
            self._rested[feed] = self._due[feed] = anyio.current_time() + pause
            return
        ended = anyio.current_time()
        self._rested[feed] = ended + min(_LONGEST, _PAUSE * (ended - begun))
        if feed in self._due and not feed.is_far_behind:
            self._due[feed] = max(self._due[feed], self._rested[feed])
