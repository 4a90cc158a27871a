"""The values everything speaks in: memories, drafts, queries, answers. Frozen, no I/O.

Every room above uses them; below stand only the errors. Times are aware datetimes in UTC.
"""

from .answers import (
    Answered,
    CardsStatus,
    Forgotten,
    IndexState,
    IndexStatus,
    Near,
    Outcome,
    Page,
    Recall,
    Recollection,
    Remembered,
    Residue,
    Status,
    Why,
)
from .change import Change
from .entity import Card, Cards, Connections, EntityType, Link, LinkType, Named, State, Update
from .ids import is_entity_id, is_memory_id, new_entity_id, new_memory_id
from .inputs import Draft, Filters, Query, Revision, Selection
from .memory import ForgetMode, Kind, Memory, Source, Tier
from .text import content_key, passage_key
from .times import from_micros, from_time, iso, parse_time, to_micros, until_time, utc_now

__all__ = [
    "Answered",
    "Card",
    "Cards",
    "CardsStatus",
    "Change",
    "Connections",
    "Draft",
    "EntityType",
    "Filters",
    "ForgetMode",
    "Forgotten",
    "IndexState",
    "IndexStatus",
    "Kind",
    "Link",
    "LinkType",
    "Memory",
    "Named",
    "Near",
    "Outcome",
    "Page",
    "Query",
    "Recall",
    "Recollection",
    "Remembered",
    "Residue",
    "Revision",
    "Selection",
    "Source",
    "State",
    "Status",
    "Tier",
    "Update",
    "Why",
    "content_key",
    "from_micros",
    "from_time",
    "is_entity_id",
    "is_memory_id",
    "iso",
    "new_entity_id",
    "new_memory_id",
    "parse_time",
    "passage_key",
    "to_micros",
    "until_time",
    "utc_now",
]
