"""What callers ask for. Values as given: the engine checks them once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .memory import Kind, Source, Tier

__all__ = ["PLAIN", "Draft", "Filters", "Query", "Revision", "Selection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A memory to be remembered."""

    content: str
    kind: Kind = Kind.SEMANTIC
    tags: tuple[str, ...] = ()
    namespace: str = ""
    entities: tuple[str, ...] = ()
    importance: float | None = None
    pinned: bool = False
    source: Source = Source.AGENT
    speaker: str | None = None
    agent: str | None = None
    at: datetime | None = None
    """When it was said or happened; None is now."""
    session: str | None = None
    valid_until: datetime | None = None
    expires_in: float | None = None
    """Seconds from now; the same as `valid_until`, of which only one may be given."""
    supersedes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which memories a question is about. Every given filter must hold."""

    kind: Kind | None = None
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    """All of them."""
    namespace: str | None = None
    """With the namespaces below it."""
    entity: str | None = None
    session: str | None = None
    since: datetime | None = None
    """Said or happened at or after."""
    until: datetime | None = None
    """Said or happened before."""
    as_of: datetime | None = None
    """What was true then."""
    known_at: datetime | None = None
    """What the ledger believed then."""
    include_superseded: bool = False


PLAIN = 8
"""Memories in an answer, at the most, to who asks for no number. Who asks for more gets less likely ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to the memory. An empty text asks for the most active memories."""

    text: str
    limit: int = PLAIN
    max_tokens: int = 1000
    filters: Filters = field(default_factory=Filters)
    explain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Memories to forget by what they have in common. At least one must be given."""

    tags: tuple[str, ...] = ()
    namespace: str | None = None
    entity: str | None = None
    session: str | None = None
    before: datetime | None = None
    """Said or happened before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Changes to a memory. What is None stays as it is."""

    content: str | None = None
    kind: Kind | None = None
    tags: tuple[str, ...] | None = None
    importance: float | None = None
    pinned: bool | None = None
    valid_until: datetime | None = None
    metadata: Mapping[str, Any] | None = None
