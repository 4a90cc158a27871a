"""Streams that outlive a request: they end when their credential does, or when the server leaves."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio

from ...access.guests import Guest

__all__ = ["OpenStreams"]


class OpenStreams:
    """Those that are open, each with the guest it was opened for."""

    def __init__(self) -> None:
        self._open: dict[anyio.CancelScope, Guest] = {}
        self._leaving = False

    @contextmanager
    def held(self, guest: Guest) -> Generator[anyio.CancelScope]:
        """A scope that is cancelled when the stream has to end."""
        left = float("inf") if guest.expires_at is None else guest.expires_at - time.time()
        with anyio.CancelScope(deadline=anyio.current_time() + left) as scope:
            self._open[scope] = guest
            if self._leaving:
                scope.cancel()
            try:
                yield scope
            finally:
                del self._open[scope]

    def revoked(self, token: str) -> None:
        """End what was opened with one of Loci's own tokens."""
        self._end(lambda guest: guest.token == token)

    def erased(self, tenant: str) -> None:
        """End what is a tenant's."""
        self._end(lambda guest: guest.caller.tenant == tenant)

    def leave(self) -> None:
        """End all of them, and those to come."""
        self._leaving = True
        self._end(lambda _: True)

    def __len__(self) -> int:
        return len(self._open)

    def _end(self, which: Callable[[Guest], bool]) -> None:
        for scope, guest in list(self._open.items()):
            if which(guest):
                scope.cancel()
