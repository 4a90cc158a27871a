"""On whose behalf something is done: set where the caller becomes known, written down by the ledger."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

__all__ = ["Actor", "acting", "current_actor"]


class Actor(NamedTuple):
    """Who does something, for the audit."""

    credential: str
    """Names a credential; never the credential itself."""
    agent: str | None


_LOCI = Actor("loci", None)
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
