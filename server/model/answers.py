"""What the verbs answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .memory import ForgetMode, Memory, Tier

__all__ = [
    "Forgotten",
    "Near",
    "Outcome",
    "Page",
    "Recall",
    "Recollection",
    "Remembered",
    "Residue",
    "Status",
    "Why",
]

Outcome = Literal["stored", "duplicate", "superseded_others"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A memory that a new one may repeat or contradict."""

    id: str
    content: str
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The answer to one draft, given after its commit."""

    id: str
    """Of the new memory, or of the one that it repeats."""
    status: Outcome
    entities: tuple[str, ...]
    similar: tuple[Near, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The signals behind a recollection."""

    cosine: float | None
    """To its best passage; None when the vectors did not find it."""
    bm25: float | None
    """Higher is better; None when the words did not find it."""
    score: float
    """Of the fusion, which orders the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """One result of a recall."""

    memory: Memory
    tier: Tier
    relevance: float
    why: Why | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """The answer to a question."""

    recollections: tuple[Recollection, ...]
    considered: int
    """How many memories were looked at as candidates."""
    omitted: int
    """How many relevant ones did not fit the limit or the budget."""
    tokens: int
    """What `render` made of this answer costs, exactly (o200k_base)."""
    nothing_relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """The scan after an erasure: what was looked through, and what was still found."""

    scanned: tuple[str, ...]
    """Files and indexes that were read whole."""
    found: tuple[str, ...]
    """Where traces remain; empty is the proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """The receipt."""

    mode: ForgetMode
    ids: tuple[str, ...]
    restorable_until: datetime | None = None
    residue: Residue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Memories in a fixed order, and where to go on."""

    memories: tuple[Memory, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a tenant's memory is doing."""

    tiers: Mapping[str, int]
    kinds: Mapping[str, int]
    embedder: str
    """Identity of the model in use."""
    waiting: int
    """Memories whose vectors under this model are still to be made."""
    healthy: bool
    canary: str
    """What the write, recall and forget of a canary found."""
