"""What a write changed, for those who watch."""

from dataclasses import dataclass

__all__ = ["Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """Memories of one tenant that are not what they were."""

    tenant: str
    ids: tuple[str, ...]
