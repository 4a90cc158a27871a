"""What an extractor is."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..model import EntityType

__all__ = ["Extractor", "Found"]


class Found(NamedTuple):
    """A name in a text."""

    start: int
    stop: int
    """Characters."""
    type: EntityType
    name: str
    """As the text writes it, without what only encloses it."""


class Extractor(Protocol):
    """Finds what texts name. It is called in worker threads, several at once."""

    @property
    def identity(self) -> str:
        """Changes whenever the same text may give other names."""
        ...

    def load(self) -> None:
        """Read what it needs. Doing so twice is a no-op."""
        ...

    def extract(self, texts: Sequence[str]) -> list[list[Found]]:
        """For each text its names, by their places; none overlaps another."""
        ...
