"""What a tier may hold, and what leaves it when it holds more.

The rules by which memories move are written in ARCHITECTURE.md, "Tiers". Here is the part that only
computes: of what is held, which leave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from .eviction import ByActivation, Eviction, Held

__all__ = ["Budget", "Size", "Warmth", "leaving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one tier of one tenant may hold. None is no limit."""

    count: int | None = None
    bytes: int | None = None
    """Of the contents, in UTF-8."""
    tokens: int | None = None
    """Of the contents, o200k_base."""

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self != Budget()

    def holds(self, size: "Size") -> bool:
        """Whether so much fits."""
        pairs = zip((self.count, self.bytes, self.tokens), size, strict=True)
        return all(limit is None or there <= limit for limit, there in pairs)


class Size(NamedTuple):
    """How much a tier holds."""

    memories: int
    bytes: int
    tokens: int

    def without(self, one: Held) -> "Size":
        """The same after one has left."""
        return Size(self.memories - 1, self.bytes - one.bytes, self.tokens - one.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """What keeps a memory in the warm tier. By default everything does."""

    budget: Budget = field(default_factory=Budget)
    eviction: Eviction = field(default_factory=ByActivation)
    """Who leaves first when the budget is exceeded."""
    cold_after: timedelta | None = None
    """Unused for so long, a memory leaves even where there is room."""
    young: timedelta = timedelta(days=7)
    """Remembered or used within this time, it is moved by no rule."""

    @property
    def moves(self) -> bool:
        """Whether anything can ever leave by itself."""
        return self.budget.limited or self.cold_after is not None


def leaving(held: Sequence[Held], hot: frozenset[int], warmth: Warmth, now: datetime) -> list[Held]:
    """Who leaves the warm tier now, first those that were unused for too long.

    Pinned, young and hot ones never do. If too few may leave, or the policy names too few, the tier
    stays above its budget.
    """
    movable = [one for one in held if _movable(one, hot, warmth, now)]
    since = warmth.cold_after
    gone = [one for one in movable if since is not None and now - one.used_at > since]
    left = {one.seq for one in gone}
    size = _size(one for one in held if one.seq not in left)
    if warmth.budget.holds(size):
        return gone
    for one in warmth.eviction.order([o for o in movable if o.seq not in left], now):
        if warmth.budget.holds(size):
            break
        gone.append(one)
        size = size.without(one)
    return gone


def _movable(one: Held, hot: frozenset[int], warmth: Warmth, now: datetime) -> bool:
    return not one.pinned and one.seq not in hot and now - one.used_at >= warmth.young


def _size(held: Iterable[Held]) -> Size:
    ones = list(held)
    return Size(len(ones), sum(one.bytes for one in ones), sum(one.tokens for one in ones))
