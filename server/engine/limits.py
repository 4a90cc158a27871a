"""What is allowed, and what counts as near."""

from dataclasses import dataclass, field

from ..model import Policy
from ..retrieval import Signals
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
    hot_tokens: int = 1500
    """Budget of the hot tier's text."""
    similar_from: float = 0.8
    """Cosine from which an older memory is reported as similar."""
    exact_up_to: int = 20_000
    """Passages of a tenant that are always searched exactly: quicker than any index up to there."""
    matrices: int = 512 << 20
    """Bytes of vectors that are held in memory for exact search, of all tenants together."""
    signals: Signals = "all"
    """What orders a recall."""
    boards: BoardLimits = field(default_factory=BoardLimits)
    pads: PadLimits = field(default_factory=PadLimits)
    """Of scratchpads."""
    policy: Policy = field(default_factory=Policy)
    """What is promoted from them."""
    secrets: Secrets = "mask"
    """What is done with credentials in what is to be remembered."""
    max_memories: int | None = None
    """Versions of memories that a tenant may keep."""
    max_bytes: int | None = None
    """Bytes of their contents."""
