"""The values everything speaks in: memories, drafts, queries, answers. Frozen, no I/O.

Every room above uses them; below stand only the errors. Times are aware datetimes in UTC.
"""

from .answers import (
    Answered,
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
from .board import (
    PRIVATE,
    RIGHTS,
    Actor,
    Board,
    BoardChange,
    BoardPage,
    BoardQuery,
    Cell,
    CellWrite,
    Op,
    Promoted,
    Written,
)
from .change import Change
from .ids import is_memory_id, new_memory_id
from .inputs import Draft, Filters, Query, Revision, Selection
from .memory import ForgetMode, Kind, Memory, Source, Tier
from .text import content_key, passage_key
from .times import from_micros, from_time, iso, parse_time, to_micros, until_time, utc_now

__all__ = [
    "PRIVATE",
    "RIGHTS",
    "Actor",
    "Answered",
    "Board",
    "BoardChange",
    "BoardPage",
    "BoardQuery",
    "Cell",
    "CellWrite",
    "Change",
    "Draft",
    "Filters",
    "ForgetMode",
    "Forgotten",
    "IndexState",
    "IndexStatus",
    "Kind",
    "Memory",
    "Near",
    "Op",
    "Outcome",
    "Page",
    "Promoted",
    "Query",
    "Recall",
    "Recollection",
    "Remembered",
    "Residue",
    "Revision",
    "Selection",
    "Source",
    "Status",
    "Tier",
    "Why",
    "Written",
    "content_key",
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
