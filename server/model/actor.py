"""On whose behalf something is done: set where the caller becomes known, written down by the ledger."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Actor", "acting", "current_actor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something: for the audit, and for the rights of boards."""

    credential: str = "local"
    """Names a credential; never the credential itself."""
    agent: str | None = None
    """From the credentials or the client's own name."""
    scopes: frozenset[str] = frozenset()
    operator: bool = False
    """A person at the shell of the machine: the rights of boards do not bind it."""


_LOCI = Actor(credential="loci")
"""Loci itself: what is erased when its time is up."""
_ACTOR: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def acting(actor: Actor) -> Generator[None]:
    """Do something on somebody's behalf, in this task and those it starts."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def current_actor() -> Actor:
    """On whose behalf this task does what it does."""
    return _ACTOR.get() or _LOCI
