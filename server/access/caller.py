"""The caller of the request at hand. A transport sets it; no argument of a tool can."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..model import Actor

__all__ = ["Caller", "as_caller", "current_caller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, from the credentials or, over stdio, from the one who started the process."""

    tenant: str
    namespace: str = ""
    """Where this caller remembers and looks when it names no namespace."""
    agent: str | None = None
    """Which agent it is, as whoever connected it says; None: the client's own name is used."""
    scopes: frozenset[str] = frozenset()
    """What its credentials let it do."""

    def actor(self, *, operator: bool = False) -> Actor:
        """Who writes to boards on this caller's behalf."""
        return Actor(agent=self.agent, scopes=frozenset(self.scopes), operator=operator)


_CALLER: ContextVar[Caller] = ContextVar("caller")


@contextmanager
def as_caller(caller: Caller) -> Generator[None]:
    """Serve on a caller's behalf, in this task and those it starts."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)


def current_caller() -> Caller:
    """Who asks. Raises LookupError where no transport has said so: nothing falls open."""
    return _CALLER.get()
