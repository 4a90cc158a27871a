"""Streams that outlive a request: they end when their credential does, or when the server leaves.

What serves a stream is told that the client is gone, and then ends as it does when that is so. It is not
cancelled: the SDK's transports leave their memory streams open then.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio
from starlette.types import Message, Receive

from ...access.guests import Guest

__all__ = ["Held", "OpenStreams"]


class Held:
    """One stream, from its beginning to its end."""

    def __init__(self, left: float) -> None:
        """`left` in seconds, until it has to end."""
        self._deadline = anyio.current_time() + left
        self._ending = anyio.Event()
        self.ended = False
        """Whether it had to end, and its client did not go."""

    def end(self) -> None:
        """It has to end."""
        self._ending.set()

    def until_then(self, receive: Receive) -> Receive:
        """What the client sends, until the stream has to end."""

        async def next_one() -> Message:
            found: Message | None = None

            async def hear() -> None:
                nonlocal found
                found = await receive()
                either.cancel_scope.cancel()

            async with anyio.create_task_group() as either:
                either.start_soon(hear)
                with anyio.CancelScope(deadline=self._deadline):
                    await self._ending.wait()
                either.cancel_scope.cancel()
            self.ended = self.ended or found is None
            return found or {"type": "http.disconnect"}

        return next_one


class OpenStreams:
    """Those that are open, each with the guest it was opened for."""

    def __init__(self) -> None:
        self._open: dict[Held, Guest] = {}
        self._leaving = False

    @contextmanager
    def held(self, guest: Guest) -> Generator[Held]:
        """A stream that was opened for a guest."""
        left = float("inf") if guest.expires_at is None else guest.expires_at - time.time()
        held = Held(left)
        self._open[held] = guest
        if self._leaving:
            held.end()
        try:
            yield held
        finally:
            del self._open[held]

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
        for held, guest in list(self._open.items()):
            if which(guest):
                held.end()
