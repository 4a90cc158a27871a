"""What an answer is chosen by, where somebody wants something else than what is best for most."""

from dataclasses import dataclass

from .relevance import LEAST
from .weights import Signals

__all__ = ["Choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Set from outside; the defaults are those of the settings."""

    signals: Signals = "all"
    """What orders a recall."""
    least: float = LEAST
    """Relevance below which nothing is shown to who asks plainly."""
    diversity: float = 0.0
    """From 0 to 1: how much a memory loses for being like those before it (`diversity`)."""
