"""What boards may hold, and how long a reader may wait."""

from dataclasses import dataclass

__all__ = ["BoardLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLimits:
    """Set from outside; the defaults are those of the settings."""

    value: int = 65_536
    """Bytes of a cell's value, as JSON in UTF-8."""
    history: int = 100
    """Versions of a cell that are kept, the current one among them."""
    cells: int | None = None
    """Of a tenant, on all its boards."""
    wait: int = 50
    """Seconds that a read may wait for a change. Many clients give a call up after 60."""
