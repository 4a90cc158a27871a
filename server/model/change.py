"""What a write changed, for those who watch."""

from dataclasses import dataclass

__all__ = ["Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """What of one tenant is not what it was."""

    tenant: str
    ids: tuple[str, ...] = ()
    """Memories."""
    sessions: tuple[str, ...] = ()
    """Whose scratchpads."""
