"""The caller of the request at hand. A transport sets it; no argument of a tool can."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..model import Actor, acting
from .scopes import EVERYTHING, Scope

__all__ = ["Caller", "as_caller", "current_caller"]

LOCAL = "local"
"""The credential of who needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, from the credentials or, over stdio, from the one who started the process."""

    tenant: str
    namespace: str = ""
    """Where this caller remembers and looks when it names no namespace."""
    agent: str | None = None
    """Which agent it is, as its credential or whoever connected it says; None: over stdio, the client's
    own name is used."""
    scopes: frozenset[Scope] = EVERYTHING
    """What it may do. Whoever owns the process may do everything; a remote caller what its
    credential says."""
    credential: str = LOCAL
    """Which credential, for the audit; never the credential itself."""

    @property
    def is_local(self) -> bool:
        """Whether it came without a credential, from this machine."""
        return self.credential == LOCAL

    def actor(self, *, operator: bool = False) -> Actor:
        """Who does something on this caller's behalf."""
        return Actor(
            credential=self.credential, agent=self.agent, scopes=self.scopes, operator=operator
        )


_CALLER: ContextVar[Caller] = ContextVar("caller")


@contextmanager
def as_caller(caller: Caller) -> Generator[None]:
    """Serve on a caller's behalf, in this task and those it starts."""
    token = _CALLER.set(caller)
    try:
        with acting(caller.actor()):
            yield
    finally:
        _CALLER.reset(token)


def current_caller() -> Caller:
    """Who asks. Raises LookupError where no transport has said so: nothing falls open."""
    return _CALLER.get()
