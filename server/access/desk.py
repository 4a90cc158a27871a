"""The way from a request to the caller's memories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from ..model import Change, Status

if TYPE_CHECKING:
    # The engine brings the database's libraries with it, which take longer to import than a
    # handshake may take. Nothing here needs them before the first call.
    from ..engine import Memories

__all__ = ["Desk"]


class Desk(Protocol):
    """Serves whoever asks, as soon as the store is open."""

    async def memories(self) -> Memories:
        """The caller's memories. The first call opens the store and waits for it.

        Raises:
            StoreError, ModelError: it cannot be opened; the text says what to do.
        """
        ...

    async def status(self) -> Status:
        """How the caller's memory is doing."""
        ...

    def on_change(self, listener: Callable[[Change], Awaitable[None]]) -> None:
        """Have changes of any tenant announced, after their commit."""
        ...
