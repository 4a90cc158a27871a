"""The values everything speaks in: memories, drafts, queries, answers. Frozen, no I/O.

Every room above uses them; below stand only the errors. Times are aware datetimes in UTC.
"""

from .access import AuditEntry, Deed, Issued, TenantErased, TenantRow, Token
from .actor import Actor, acting, current_actor
from .answers import (
    Answered,
    Forgotten,
    IndexState,
    IndexStatus,
    Near,
    Outcome,
    Page,
    Pulse,
    Readiness,
    Recall,
    Recollection,
    Remembered,
    Residue,
    Status,
    Why,
)
from .change import Change
from .ids import is_memory_id, new_memory_id
from .inputs import Draft, Filters, Query, Revision, Selection
from .memory import ForgetMode, Kind, Memory, Source, Tier
from .text import content_key, passage_key
from .times import from_micros, from_time, iso, parse_time, to_micros, until_time, utc_now

__all__ = [
    "Actor",
    "Answered",
    "AuditEntry",
    "Change",
    "Deed",
    "Draft",
    "Filters",
    "ForgetMode",
    "Forgotten",
    "IndexState",
    "IndexStatus",
    "Issued",
    "Kind",
    "Memory",
    "Near",
    "Outcome",
    "Page",
    "Pulse",
    "Query",
    "Readiness",
    "Recall",
    "Recollection",
    "Remembered",
    "Residue",
    "Revision",
    "Selection",
    "Source",
    "Status",
    "TenantErased",
    "TenantRow",
    "Tier",
    "Token",
    "Why",
    "acting",
    "content_key",
    "current_actor",
    "from_micros",
    "from_time",
    "is_memory_id",
    "iso",
    "new_memory_id",
    "parse_time",
    "passage_key",
    "to_micros",
    "until_time",
    "utc_now",
]
