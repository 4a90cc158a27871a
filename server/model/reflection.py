"""What consolidation did, or would do."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Closed", "Cycle", "Merged", "Reflection", "Retired", "Summed", "Undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A memory that a rule of retention archives or deletes."""

    id: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A memory that no longer holds: a derived one, of which a source is not what it was; or one that says a
    state, and `source` says otherwise later."""

    id: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Statements said twice: the newest stands for the others."""

    into: str
    ids: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """Episodes summed up in a derived memory."""

    id: str
    content: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """One cycle of consolidation."""

    cycle: int | None
    """Its number, by which the log knows it; None if nothing was changed."""
    dry_run: bool
    looked: int
    """Memories that were looked at."""
    retired: tuple[Retired, ...] = ()
    closed: tuple[Closed, ...] = ()
    merged: tuple[Merged, ...] = ()
    summed: tuple[Summed, ...] = ()
    left: int = 0
    """Changes that are left for the next cycle, since one makes no more than `reflect_most`."""

    @property
    def changes(self) -> int:
        """How many there are."""
        merged = sum(len(one.ids) for one in self.merged)
        return len(self.retired) + len(self.closed) + merged + len(self.summed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A cycle that was taken back."""

    cycle: int | None
    """None: there is none that could be."""
    ids: tuple[str, ...] = ()
    """Memories that are as they were before."""
    changed: tuple[str, ...] = ()
    """Those that were changed, or forgotten, since: they stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A line of the log."""

    id: int
    at: datetime
    summary: str
    undone_at: datetime | None
