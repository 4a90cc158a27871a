"""A tenant's blackboard: what all who use it share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..ledger import Address, BoardsLedger, Touched
from ..model import BoardChange, CellWrite
from ..tokens import TokenCounter
from .board_limits import BoardLimits
from .board_waiting import Waiting

__all__ = ["Blackboard"]


@dataclass(slots=True, eq=False)
class Blackboard:
    """The boards of one tenant. `Boards` is one actor's view of it."""

    ledger: BoardsLedger
    counter: TokenCounter
    limits: BoardLimits
    clock: Callable[[], datetime]
    announce: Callable[[BoardChange], Awaitable[None]]
    guard: Callable[[CellWrite], tuple[CellWrite, tuple[str, ...]]]
    """A write without credentials, and the kinds that were masked. Raises InvalidInput: it is refused."""
    due: Callable[["Blackboard", datetime], None]
    """Tells the tending when a cell expires."""
    waiting: Waiting = field(default_factory=Waiting)

    async def changed(self, address: Address, keys: Sequence[str]) -> None:
        """Tell everybody who waits for it or watches it."""
        self.waiting.changed(address)
        await self.announce(
            BoardChange(board=address.name, agent=address.agent or None, keys=tuple(keys))
        )

    async def touched(self, boards: Sequence[Touched]) -> None:
        """The same of several."""
        for one in boards:
            await self.changed(one.address, one.keys)

    async def expire(self) -> datetime | None:
        """End the cells whose time is up. When the next one's is, at the earliest."""
        touched, due = await self.ledger.expire(self.clock(), self.limits.history)
        await self.touched(touched)
        return due
