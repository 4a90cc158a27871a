"""How much a tenant keeps, and whether more is allowed."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from ..errors import LimitExceeded

__all__ = ["Usage"]


class Usage:
    """Counts versions and bytes of contents, once from the ledger and then along with the writes."""

    def __init__(
        self,
        count: Callable[[], Awaitable[tuple[int, int]]],
        most: int | None,
        most_bytes: int | None,
    ) -> None:
        self._count = count
        self._most = most
        self._most_bytes = most_bytes
        self._lock = anyio.Lock()
        self._kept: tuple[int, int] | None = None
        self._coming = (0, 0)

    @asynccontextmanager
    async def room_for(self, memories: int, size: int) -> AsyncGenerator[None]:
        """Keep room while a write is under way; `size` in bytes.

        Raises:
            LimitExceeded: there is none.
        """
        if self._most is None and self._most_bytes is None:
            yield
            return
        async with self._lock:
            if self._kept is None or self._exceeds(memories, size):
                # What was counted along may be too much: exact repeats are kept once.
                self._kept = await self._count()
            if exceeded := self._exceeds(memories, size):
                raise LimitExceeded(exceeded)
            self._coming = self._coming[0] + memories, self._coming[1] + size
        try:
            yield
            self._keep(memories, size)
        finally:
            self._coming = self._coming[0] - memories, self._coming[1] - size

    def _keep(self, memories: int, size: int) -> None:
        """Count a write along, unless all is to be counted again."""
        if self._kept is not None:
            self._kept = self._kept[0] + memories, self._kept[1] + size

    def shrunk(self) -> None:
        """Something was erased: count again."""
        self._kept = None

    def _exceeds(self, memories: int, size: int) -> str:
        """What is said where so much more is too much."""
        kept, kept_bytes = self._kept or (0, 0)
        count = kept + self._coming[0] + memories
        if self._most is not None and count > self._most:
            return (
                f"Too many memories: {kept:,} of {self._most:,} are kept, all versions counted. Erase "
                "some (forget with mode: erase) before you repeat this."
            )
        if self._most_bytes is not None and kept_bytes + self._coming[1] + size > self._most_bytes:
            return (
                f"Too much text: {kept_bytes / 1e6:.1f} of {self._most_bytes / 1e6:.1f} MB are used. "
                "Erase some (forget with mode: erase) before you repeat this."
            )
        return ""
