"""A session's working memory: notes in four sections.

The sections are those of RAISE, which keeps beside an agent's long memory what it saw, what it
concluded, examples to go by, and the steps it took (Liu et al. 2024, arXiv:2401.02777).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .promotion import Decision

__all__ = ["NewNote", "Note", "NoteOutcome", "Noted", "Pad", "Section"]


class Section(StrEnum):
    """What sort of note it is."""

    OBSERVATION = "observation"
    REASONING = "reasoning"
    EXAMPLE = "example"
    TRAJECTORY = "trajectory"


class NoteOutcome(StrEnum):
    """How that which a note and those before it belong to turned out."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """A note to be written."""

    session: str
    section: Section
    content: str
    namespace: str = ""
    """Where it is remembered, should it be promoted."""
    agent: str | None = None
    importance: float | None = None
    outcome: NoteOutcome | None = None
    uses: int = 0
    """How often it was read, where a recorded session is replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note as it is kept."""

    id: str
    section: Section
    content: str
    namespace: str
    agent: str | None
    importance: float | None
    outcome: NoteOutcome | None
    at: datetime
    """When it was written."""
    uses: int
    """How often it was read."""
    memory: str | None
    """What it was promoted to, or what a note that says the same was promoted to."""
    decision: Decision | None
    """The last one about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The answer to a new note, given after its commit."""

    id: str
    notes: int
    """In the scratchpad now."""
    characters: int
    """Of all of them, as they count for the limit."""
    limit: int
    masked: tuple[str, ...] = ()
    """Kinds of credentials that were replaced by what they looked like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pad:
    """The notes of a session, as far as they were asked for, oldest first."""

    session: str
    notes: tuple[Note, ...]
    omitted: int
    """Older or longer ones that did not fit."""
    dropped: int
    """How many were let go so far, because the scratchpad was full or they were old."""
    tokens: int
    """What `pad_dict` made of this costs, exactly (o200k_base); 0 where nothing was counted."""
