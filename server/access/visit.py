"""What one connection did that has to be seen to when it is closed: the sessions that it wrote."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine import Memories

__all__ = ["Visit", "current_visit", "visiting", "wrote_in"]

_MOST = 1000
"""Sessions of one connection. Others end when nobody writes them for a while."""


class Visit:
    """A connection, from its beginning to its end."""

    def __init__(self) -> None:
        self._sessions: dict[str, None] = {}
        self._memories: Memories | None = None

    def wrote(self, memories: Memories, session: str) -> None:
        """Note a session of the one tenant that the connection belongs to."""
        self._memories = memories
        if len(self._sessions) < _MOST:
            self._sessions[session] = None

    async def end(self) -> None:
        """The sessions whose scratchpads it wrote are over. Raises StoreError."""
        if self._memories is not None:
            await self._memories.end(list(self._sessions))


_VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


def current_visit() -> Visit | None:
    """That of the connection at hand, if there is one that will be closed."""
    return _VISIT.get()


@contextmanager
def visiting(visit: Visit) -> Generator[None]:
    """Work of one connection, in this task and those it starts."""
    token = _VISIT.set(visit)
    try:
        yield
    finally:
        _VISIT.reset(token)


def wrote_in(memories: Memories, session: str) -> None:
    """The connection at hand, if there is one that will be closed, wrote a session's scratchpad."""
    visit = _VISIT.get()
    if visit is not None:
        visit.wrote(memories, session)
