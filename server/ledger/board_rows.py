"""What the blackboard's writes are given and find, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..model import Cell, Op

__all__ = ["Address", "Before", "Decide", "NewCell", "Receipt", "cell_of"]


@dataclass(frozen=True, slots=True)
class Address:
    """A board of the tenant: public, or an agent's own."""

    name: str
    agent: str = ""
    """Whose it is; empty for a public one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a write finds."""

    made: bool
    """Whether the board is there."""
    made_by: str | None
    cell: Cell | None
    """The current version, also of a cell that is gone; None where there never was one."""
    rights: Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCell:
    """The version that a write makes."""

    op: Op
    value: Any
    by: str | None
    expires_at: datetime | None


Decide = Callable[[Before], NewCell]
"""What to write, by what is there. Raises a LociError to write nothing."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A write's idempotency key, and the digest (SHA-256) of what was asked under it."""

    request: str
    agent: str
    digest: bytes


def cell_of(row: Mapping[str, Any]) -> Cell:
    """The version in a row of `cells`."""
    return Cell(
        key=row["key"],
        value=row["value"],
        version=row["version"],
        op=Op(row["op"]),
        by=row["agent"],
        at=row["at"],
        expires_at=row["expires_at"],
    )
