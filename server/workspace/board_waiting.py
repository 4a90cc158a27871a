"""Readers that wait for a board to change."""

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from ..ledger import Address

__all__ = ["Waiting"]


class Waiting:
    """One tenant's waiting readers."""

    __slots__ = ("_closed", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[Address, set[anyio.Event]] = {}
        self._closed = False

    def changed(self, address: Address) -> None:
        """Wake whoever waits for this board."""
        for event in self._waiting.get(address, ()):
            event.set()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        for address in self._waiting:
            self.changed(address)

    @property
    def closed(self) -> bool:
        """Whether a wait would end at once."""
        return self._closed

    @contextmanager
    def next(self, address: Address) -> Generator[anyio.Event]:
        """Set at the next change of the board, also at one that comes before it is awaited."""
        event = anyio.Event()
        here = self._waiting.setdefault(address, set())
        here.add(event)
        try:
            yield event
        finally:
            here.discard(event)
            if not here and self._waiting.get(address) is here:
                del self._waiting[address]
