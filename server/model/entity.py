"""What memories are about: entities, what is said of them over time, and how memories hang together."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..errors import InvalidInput

__all__ = [
    "Card",
    "Cards",
    "Connections",
    "EntityType",
    "Link",
    "LinkType",
    "Named",
    "State",
    "Update",
]


class EntityType(StrEnum):
    """What sort of thing a name stands for."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"
    PROJECT = "project"
    PRODUCT = "product"
    FILE = "file"
    SYMBOL = "symbol"
    PACKAGE = "package"
    VERSION = "version"
    URL = "url"
    EMAIL = "email"
    DATE = "date"
    AMOUNT = "amount"
    ID = "id"
    OTHER = "other"
    """A name of which nothing tells what bears it."""

    @classmethod
    def named(cls, text: str | None) -> "EntityType | None":
        """The sort of that name. Raises InvalidInput."""
        if text is None:
            return None
        try:
            return cls(text.strip().lower())
        except ValueError:
            sorts = ", ".join(one.value for one in cls)
            raise InvalidInput(f"type: give one of {sorts}.") from None


class LinkType(StrEnum):
    """How a memory stands to an older one."""

    REPEATS = "repeats"
    REFINES = "refines"
    CONTRADICTS = "contradicts"
    CONTINUES = "continues"
    SUPERSEDES = "supersedes"
    DERIVED_FROM = "derived_from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Where a memory names an entity, and why it is taken to be that one."""

    entity: str
    """Id."""
    name: str
    """The entity's own."""
    type: EntityType
    start: int
    stop: int
    """Characters of the memory's content; both 0 where it is not named in it."""
    how: str
    """`new`, `exact`, `alias`, `fuzzy`, `context`, `pronoun`, `speaker` or `given`."""
    evidence: str
    """What decided, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a memory says of an entity."""

    attribute: str
    value: str
    since: datetime
    until: datetime | None
    """None while it holds; otherwise what came next, or the memory's own end."""
    memory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An entity in short, in the place of the memories that it stands for."""

    id: str
    name: str
    type: EntityType
    aliases: tuple[str, ...]
    states: tuple[State, ...]
    """What holds now first, newest first."""
    memories: tuple[str, ...]
    """Ids, newest first, some of them."""
    mentions: int
    """How many memories name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """The answer to a question for entities."""

    cards: tuple[Card, ...]
    omitted: int
    """How many more there are that did not fit the limit or the budget; of those that were looked at."""
    tokens: int
    """What the answer costs as it is sent, exactly (o200k_base)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What a new memory says differently from an older one."""

    id: str
    """The older memory."""
    entity: str
    attribute: str
    was: str
    now: str
    when: datetime
    """Since when the older one held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A typed link, seen from one of its ends."""

    type: LinkType
    memory: str
    """At the other end."""
    forward: bool
    """Whether this end is the newer one, which repeats, refines, … the other."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """What a memory names, what it is about in a few words, and how it stands to others."""

    mentions: tuple[Named, ...]
    links: tuple[Link, ...]
    keywords: tuple[str, ...]
    context: str
