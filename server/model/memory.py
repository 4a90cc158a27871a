"""What is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["ForgetMode", "Kind", "Memory", "Source", "Tier"]


class Kind(StrEnum):
    """What sort of statement a memory is."""

    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    PROCEDURAL = "procedural"


class Tier(StrEnum):
    """How near a memory is kept: in the context now, indexed, or archived."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


class Source(StrEnum):
    """Who vouches for a memory."""

    USER = "user"
    AGENT = "agent"
    TOOL = "tool"
    WEB = "web"
    IMPORT = "import"


class ForgetMode(StrEnum):
    """How thoroughly to forget."""

    ARCHIVE = "archive"
    DELETE = "delete"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One version of one statement worth keeping, with its provenance and its times.

    Valid time (`valid_from`, `valid_until`) is when the statement holds in the world; recorded time
    (`recorded_at`, `replaced_at`) is when this version was what the ledger believed.
    """

    id: str
    version: int
    """1 for the first; each revision and each supersession makes the next."""
    content: str
    kind: Kind
    tier: Tier
    namespace: str
    tags: tuple[str, ...]
    entities: tuple[str, ...]
    importance: float | None
    pinned: bool
    source: Source
    speaker: str | None
    """Who said it."""
    agent: str | None
    """Which client's agent had it remembered."""
    session: str | None
    metadata: Mapping[str, Any]
    valid_from: datetime
    """When it was said or happened."""
    valid_until: datetime | None
    remembered_at: datetime
    """When its first version was recorded."""
    recorded_at: datetime
    replaced_at: datetime | None
    """When a later version took its place; None for the current one."""
    superseded_by: str | None
    """The memory that took its place in the world."""
    deleted_at: datetime | None
    restorable_until: datetime | None
    uses: int
    """How often it was remembered or recalled, at least 1."""
    used_at: datetime
