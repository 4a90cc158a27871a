"""Promotion: what is weighed, and what was decided of a note."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["SIGNALS", "Decision", "Occasion", "Policy", "Promotion", "Verdict"]

SIGNALS = ("novelty", "recurrence", "salience", "use", "outcome")
"""Each from 0 to 1; see `workspace.promotion_signals`."""

Verdict = Literal["promoted", "left"]
Occasion = Literal["asked", "ended", "full"]
"""What made somebody decide: a call, the end of the session, a full scratchpad."""

_WEIGHTS = MappingProxyType(
    {"novelty": 0.3, "recurrence": 0.15, "salience": 0.3, "use": 0.1, "outcome": 0.15}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a note's score is made of, and which score is enough.

    The score is the mean of the signals by these weights, from 0 to 1.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: _WEIGHTS)
    """One for each of the `SIGNALS`, at least one of them above 0."""
    threshold: float = 0.5

    def score(self, signals: Mapping[str, float]) -> float:
        """The weighted mean, to three digits."""
        whole = sum(self.weights.values())
        return round(sum(self.weights[name] * signals[name] for name in SIGNALS) / whole, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided of a note, and why."""

    verdict: Verdict
    score: float
    scores: Mapping[str, float]
    """By signal."""
    reason: str
    near: str | None = None
    """The memory or the note of the same scratchpad that says the same already."""
    occasion: Occasion = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What became of the notes of a session, or would become of them: by note, oldest first."""

    session: str
    dry_run: bool
    decisions: Mapping[str, Decision]
    memories: Mapping[str, str]
    """What notes were promoted to, by note."""
