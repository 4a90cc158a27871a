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
from .change import Change
from .ids import is_memory_id, is_note_id, new_memory_id, new_note_id
from .inputs import Draft, Filters, Query, Revision, Selection
from .memory import ForgetMode, Kind, Memory, Source, Tier
from .promotion import SIGNALS, Decision, Occasion, Policy, Promotion, Verdict
from .scratchpad import NewNote, Note, Noted, NoteOutcome, Pad, Section
from .text import content_key, passage_key
from .times import from_micros, from_time, iso, parse_time, to_micros, until_time, utc_now

__all__ = [
    "SIGNALS",
    "Answered",
    "Change",
    "Decision",
    "Draft",
    "Filters",
    "ForgetMode",
    "Forgotten",
    "IndexState",
    "IndexStatus",
    "Kind",
    "Memory",
    "Near",
    "NewNote",
    "Note",
    "NoteOutcome",
    "Noted",
    "Occasion",
    "Outcome",
    "Pad",
    "Page",
    "Policy",
    "Promotion",
    "Query",
    "Recall",
    "Recollection",
    "Remembered",
    "Residue",
    "Revision",
    "Section",
    "Selection",
    "Source",
    "Status",
    "Tier",
    "Verdict",
    "Why",
    "content_key",
    "from_micros",
    "from_time",
    "is_memory_id",
    "is_note_id",
    "iso",
    "new_memory_id",
    "new_note_id",
    "parse_time",
    "passage_key",
    "to_micros",
    "until_time",
    "utc_now",
]
