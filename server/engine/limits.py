"""What is allowed, and what counts as near."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from ..model import Policy
from ..retrieval import Choice
from ..tiers import Budget, Retention, Warmth
from ..workspace import BoardLimits
from ..workspace.scratchpads import PadLimits
from .redaction import Secrets

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Set from outside; the defaults are those of the settings."""

    max_content: int = 50_000
    """Characters of one memory."""
    max_batch: int = 100
    """Memories in one call."""
    restore_days: int = 30
    """How long a deleted memory can be restored."""
    hot: Budget = field(default_factory=lambda: Budget(tokens=1500))
    """Of the hot tier's text."""
    warmth: Warmth = field(default_factory=Warmth)
    """Of the warm tier, the hot one included."""
    retention: Retention = field(default_factory=Retention)
    """What is archived or deleted by rule."""
    reflect_every: timedelta | None = None
    """Consolidate unasked, so often; None is never."""
    reflect_most: int = 100
    """Changes of one cycle of consolidation."""
    similar_from: float = 0.8
    """Cosine from which an older memory is reported as similar."""
    exact_up_to: int = 200_000
    """Passages of a tenant that are searched in memory, where there is a place: quicker than any index."""
    matrices: int = 512 << 20
    """Bytes of vectors that are held in memory for that, of all tenants together."""
    updates: Literal["report", "supersede"] = "report"
    """What becomes of an older memory that a new one contradicts by entity, attribute and time."""
    choice: Choice = field(default_factory=Choice)
    """What a recall's answer is chosen by."""
    boards: BoardLimits = field(default_factory=BoardLimits)
    pads: PadLimits = field(default_factory=PadLimits)
    """Of scratchpads."""
    policy: Policy = field(default_factory=Policy)
    """What is promoted from them."""
    secrets: Secrets = "mask"
    """What is done with credentials in memories, notes and cells."""
    max_memories: int | None = None
    """Versions of memories that a tenant may keep."""
    max_bytes: int | None = None
    """Bytes of their contents."""
