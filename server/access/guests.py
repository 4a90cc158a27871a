"""Who comes in over the network, told from the credential alone."""

from dataclasses import dataclass

from .caller import Caller

__all__ = ["Guest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A caller, and for how long."""

    caller: Caller
    expires_at: float | None = None
    """Seconds since 1970; None: it does not expire."""
    token: str | None = None
    """The id of one of Loci's own tokens: it can be revoked."""
