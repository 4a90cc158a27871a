"""What a write changed, for those who watch."""

from dataclasses import dataclass

from .board import BoardChange

__all__ = ["Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """What of one tenant is not what it was."""

    tenant: str
    ids: tuple[str, ...] = ()
    """Memories."""
    sessions: tuple[str, ...] = ()
    """Whose scratchpads."""
    board: BoardChange | None = None
    """Cells of one of its boards."""
