"""Who leaves first: policies of eviction, and chains of them.

A policy only orders; whether anybody has to leave is `budget`'s to say. To add one, write a class
with `order` and `label`, name it in `_NAMED`, and add it to `tests/contract/test_eviction.py`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from .activation import base_level

__all__ = [
    "ByActivation",
    "Chain",
    "Eviction",
    "Fifo",
    "Held",
    "Lfu",
    "Lru",
    "Reservoir",
    "Ttl",
    "eviction_of",
]


class Held(NamedTuple):
    """A memory in the warm tier, as far as eviction is concerned."""

    seq: int
    id: str
    uses: int
    remembered_at: datetime
    used_at: datetime
    """The last time; that of the remembering if it was not used since."""
    pinned: bool
    bytes: int
    tokens: int


class Eviction(Protocol):
    """Orders what may leave."""

    @property
    def label(self) -> str:
        """As it is written in the settings."""
        ...

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """Those that it would let go, the first to leave first; none twice. The order does not
        depend on that of `held`."""
        ...


@dataclass(frozen=True, slots=True)
class Lru:
    """Least recently used first."""

    label: str = "lru"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All of them."""
        return sorted(held, key=lambda one: (one.used_at, one.seq))


@dataclass(frozen=True, slots=True)
class Lfu:
    """Least frequently used first; of those used as often, the least recently used."""

    label: str = "lfu"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All of them."""
        return sorted(held, key=lambda one: (one.uses, one.used_at, one.seq))


@dataclass(frozen=True, slots=True)
class Fifo:
    """Oldest first, however it was used."""

    label: str = "fifo"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All of them."""
        return sorted(held, key=lambda one: (one.remembered_at, one.seq))


@dataclass(frozen=True, slots=True)
class Ttl:
    """Those that were remembered longer ago than a time, oldest first; the others stay."""

    life: timedelta

    @property
    def label(self) -> str:
        """As it is written in the settings."""
        return f"ttl:{self.life.days}d"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """Those whose time is up."""
        return Fifo().order([one for one in held if now - one.remembered_at > self.life], now)


@dataclass(frozen=True, slots=True)
class ByActivation:
    """Least active first (`activation.base_level`): decay and rehearsal decide."""

    label: str = "activation"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All of them."""
        return sorted(held, key=lambda o: (base_level(o.uses, o.remembered_at, now), o.seq))


@dataclass(frozen=True, slots=True)
class Reservoir:
    """By lot: what stays is a uniform sample of all there ever was.

    Each memory draws one number, once and for all, from its id; the highest leave first. Keeping the
    lowest is reservoir sampling by random keys (Fan, Muller and Rezucha, 1962; Vitter, 1985).
    """

    label: str = "reservoir"

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All of them."""
        return sorted(held, key=lambda one: (_lot(one.id), one.id), reverse=True)


@dataclass(frozen=True, slots=True)
class Chain:
    """Whom the first policy lets go, then whom the next does of the rest, and so on."""

    policies: tuple[Eviction, ...]

    @property
    def label(self) -> str:
        """As it is written in the settings."""
        return ", ".join(one.label for one in self.policies)

    def order(self, held: Sequence[Held], now: datetime) -> list[Held]:
        """All that any of them lets go."""
        left = list(held)
        found: list[Held] = []
        for policy in self.policies:
            named = policy.order(left, now)
            gone = {one.seq for one in named}
            found += named
            left = [one for one in left if one.seq not in gone]
        return found


_NAMED: Mapping[str, Callable[[], Eviction]] = {
    "activation": ByActivation,
    "lru": Lru,
    "lfu": Lfu,
    "fifo": Fifo,
    "reservoir": Reservoir,
}


def eviction_of(text: str) -> Eviction:
    """A policy by its name, or a chain of names with commas between; `ttl:90d` is one of 90 days.

    Raises:
        ValueError: there is no such policy.
    """
    policies = tuple(_policy(name.strip()) for name in text.split(","))
    return policies[0] if len(policies) == 1 else Chain(policies)


def _policy(name: str) -> Eviction:
    kind, colon, days = name.partition(":")
    if kind == "ttl" and colon and days[:-1].isdecimal() and days[-1:] == "d" and len(days) < 7:
        return Ttl(timedelta(days=int(days[:-1])))
    if name not in _NAMED:
        raise ValueError(name)
    return _NAMED[name]()


def _lot(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8, person=b"loci-reservoir").digest()
