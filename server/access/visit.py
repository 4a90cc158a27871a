"""What one connection did that has to be seen to when it is closed: the sessions that it wrote."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Visit", "visiting", "wrote_in"]

_MOST = 1000
"""Sessions of one connection. Others end when nobody writes them for a while."""


class Visit:
    """A connection, from its beginning to its end."""

    def __init__(self) -> None:
        self._sessions: dict[str, None] = {}

    @property
    def sessions(self) -> list[str]:
        """The sessions whose scratchpads it wrote."""
        return list(self._sessions)

    def wrote(self, session: str) -> None:
        """Note a session."""
        if len(self._sessions) < _MOST:
            self._sessions[session] = None


_VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


@contextmanager
def visiting() -> Generator[Visit]:
    """One connection, in this task and those it starts."""
    visit = Visit()
    token = _VISIT.set(visit)
    try:
        yield visit
    finally:
        _VISIT.reset(token)


def wrote_in(session: str) -> None:
    """The connection at hand, if there is one that will be closed, wrote a session's scratchpad."""
    visit = _VISIT.get()
    if visit is not None:
        visit.wrote(session)
