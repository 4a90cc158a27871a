"""What the verbs answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .entity import Update
from .memory import ForgetMode, Memory, Tier

__all__ = [
    "Answered",
    "CardsStatus",
    "Forgotten",
    "IndexState",
    "IndexStatus",
    "Near",
    "Outcome",
    "Page",
    "Pulse",
    "Readiness",
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
    updates: tuple[Update, ...] = ()
    """What older memories say otherwise, by entity, attribute and time."""
    masked: tuple[str, ...] = ()
    """Kinds of credentials that were replaced by what they looked like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The signals behind a recollection."""

    cosine: float | None
    """To its best passage; None when the vectors did not find it."""
    bm25: float | None
    """Higher is better; None when the words did not find it."""
    score: float
    """The sum of the signals, which orders the answer."""
    signals: Mapping[str, float] = field(default_factory=dict[str, float])
    """What each adds to the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """One result of a recall."""

    memory: Memory
    tier: Tier
    relevance: float
    why: Why | None
    excerpt: str | None = None
    """What is shown of a content that is too long for the budget, marked where it was cut; None:
    the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """The answer to a question."""

    recollections: tuple[Recollection, ...]
    considered: int
    """How many memories were looked at as candidates."""
    omitted: int
    """How many more may help: less likely, or beyond the limit or the budget."""
    tokens: int
    """What `render` made of this answer costs, exactly (o200k_base)."""
    nothing_relevant: bool
    reason: str = ""
    """Why nothing is."""
    absent: tuple[str, ...] = ()
    """Names, numbers and quotations in the question that occur in no memory at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How an engine is doing, over all its tenants, since it was opened."""

    answers_again: int
    """Recalls that were answered from what is still right."""
    answers_sought: int
    index_waiting: int
    """Changes that the indexes are behind by."""
    writes_waiting: int
    """Jobs in the writer's queue."""
    tenants_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a server can do what it is for, and what it does it with."""

    ready: bool
    canary: str
    """What came of writing, recalling and erasing it."""
    embedder: str
    index: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """The scan after an erasure: what was looked through, and what was still found."""

    scanned: tuple[str, ...]
    """Files and indexes that were read whole."""
    found: tuple[str, ...]
    """Where traces remain; empty is the proof."""

    def with_index(self, left: tuple[str, ...]) -> "Residue":
        """The same, and what may be left in the vector index."""
        return Residue(scanned=(*self.scanned, "vector index"), found=(*self.found, *left))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """The receipt."""

    mode: ForgetMode
    ids: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """Of scratchpads, erased with what they became or by themselves."""
    restorable_until: datetime | None = None
    residue: Residue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Memories in a fixed order, and where to go on."""

    memories: tuple[Memory, ...]
    cursor: str | None


IndexState = Literal["off", "missing", "building", "behind", "current", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """What state a tenant's vector index is in. Recall is complete in each of them."""

    state: IndexState
    """`current`: it holds all; `behind`: the rest is searched exactly; `missing`: there is none yet;
    `building`; `failed`: see `reason`; `off`: none is kept."""
    searched: Literal["exactly", "by codes", "through the index"]
    """How a recall finds the nearest now: few vectors are always compared exactly, some more by codes
    in memory first."""
    vectors: int
    """How many there are to be searched."""
    waiting: int = 0
    """Changes that the index has not taken in yet."""
    built: tuple[int, int] | None = None
    """While it is built: how many vectors of how many."""
    reason: str = ""
    """Why it was last built or discarded, or cannot be used."""
    built_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a tenant's questions were answered, since the server entered it."""

    again: int
    """With an answer that was still right."""
    sought: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsStatus:
    """What entities save: the cards of the most named against the memories that they stand for."""

    entities: int
    """How many there are in all."""
    cards: int
    """How many were compared: the most named, but not those of one memory."""
    card_tokens: int
    memory_tokens: int
    """Of all memories that name them (o200k_base)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a tenant's memory is doing."""

    tiers: Mapping[str, int]
    kinds: Mapping[str, int]
    embedder: str
    """Identity of the model in use."""
    waiting: int
    """Memories whose vectors under this model are still to be made."""
    index: IndexStatus
    answers: Answered
    cards: CardsStatus
    healthy: bool
    canary: str
    """What the write, recall and forget of a canary found."""
