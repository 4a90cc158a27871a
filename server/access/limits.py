"""How much each tenant may ask: a token bucket for requests, and counts of what is under way.

A tenant that asks for more is told what it has used up and when to come back; the others' shares are
their own.
"""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from ..errors import LimitExceeded

__all__ = ["Allowance", "Limiter"]

_SOON = 1.0
"""Seconds after which something under way is likely to have ended."""
_TEXTS = 5
"""Texts of one call that count as a call: their work, and not their number of envelopes, is what others wait for."""
_TIDY = 4096
"""Tenants that are remembered before those that asked for nothing lately are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What each tenant may have."""

    rate: float = 50.0
    """Requests in a second, in the long run."""
    burst: int = 100
    """Requests at once, after a pause."""
    concurrency: int = 16
    """Calls under way; one of many texts counts for several."""
    streams: int = 64
    """Streams and sessions that are open."""


class Limiter:
    """Counts for all tenants. `clock` in seconds."""

    def __init__(
        self, allowance: Allowance, clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._allowance = allowance
        self._clock = clock
        self._full_at: dict[str, float] = {}
        """When a tenant's bucket would be full again: all that a token bucket needs to know."""
        self._calls: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()

    def request(self, tenant: str) -> None:
        """Count a request. Raises LimitExceeded."""
        now, each = self._clock(), 1 / self._allowance.rate
        full_at = max(self._full_at.get(tenant, now), now)
        wait = full_at + each - now - self._allowance.burst * each
        # Below what two floats can differ by after the same sums.
        if wait > 1e-9:
            raise LimitExceeded(
                f"Too many requests: {self._allowance.rate:g} a second and {self._allowance.burst} "
                f"at once are allowed. Repeat in {wait:.1f} s.",
                wait,
            )
        self._full_at[tenant] = full_at + each
        if len(self._full_at) > _TIDY:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}

    @contextmanager
    def call(self, tenant: str, texts: int = 1) -> Generator[None]:
        """Count a call while it is worked on, once for every five texts that it brings; one that is alone
        comes in whatever it brings. Raises LimitExceeded."""
        most = self._allowance.concurrency
        weight = min(most, max(1, -(-texts // _TEXTS)))
        with _counted(self._calls, tenant, most, "calls under way", weight):
            yield

    @contextmanager
    def stream(self, tenant: str) -> Generator[None]:
        """Count a stream while it is open. Raises LimitExceeded."""
        with _counted(self._streams, tenant, self._allowance.streams, "open streams", 1):
            yield

    def under_way(self) -> tuple[int, int]:
        """Calls, by what they count for, and streams of all tenants."""
        return self._calls.total(), self._streams.total()


@contextmanager
def _counted(
    counts: Counter[str], tenant: str, most: int, what: str, weight: int
) -> Generator[None]:
    if counts[tenant] + weight > most:
        raise LimitExceeded(
            f"Too many {what}: {most} are allowed. Repeat when one has ended.", _SOON
        )
    counts[tenant] += weight
    try:
        yield
    finally:
        counts[tenant] -= weight
        if not counts[tenant]:
            del counts[tenant]
