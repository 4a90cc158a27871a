"""What a write changed, for those who watch."""

from dataclasses import dataclass

from .board import BoardChange

__all__ = ["Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """Memories of one tenant, or cells of one of its boards, that are not what they were."""

    tenant: str
    ids: tuple[str, ...] = ()
    board: BoardChange | None = None
