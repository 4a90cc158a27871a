"""Erasure: rows, words and vectors go. What to look for afterwards is noted before they do."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Column, Connection, and_, delete, func, or_, select, update

from ..errors import NotFound
from ..model import Memory
from .about_erase import derived_texts, erase_about
from .about_tables import aliases, contexts, states
from .access_tables import audit
from .board_expiry import Touched, erase_promoted
from .board_tables import cells
from .derived import erased_with, forget_steps
from .fulltext import purge_words, remove_words, still_indexed
from .outbox import Erasures, erased
from .packing import unpack_text
from .reads import current
from .scratchpad_erase import ErasedNote, erase_notes, mentions
from .tables import memories, passages, vectors
from .vectors import Delta, passage_ids, prune_vectors
from .where import one_of

__all__ = ["ERASED", "Erasure", "Needle", "erase", "explained", "needles_of", "pieces", "telling"]

ERASED = "erased"
"""Stands where the id of an erased successor stood."""

Text = TypeVar("Text", str, bytes)

_m, _p, _v = memories.c, passages.c, vectors.c
_TEXTS = (_m.content, _m.speaker, _m.session, _m.namespace, _m.tags, _m.entities, _m.metadata)
_c = cells.c
_CELLS = (_c.value, _c.key, _c.agent)
_DERIVED = (
    aliases.c.name,
    aliases.c.folded,
    states.c.value,
    states.c.attribute,
    contexts.c.context,
)
"""Of other memories: what was derived from the erased ones is gone by then."""
_PIECE = 32
_TELLING = 8
"""Different bytes that a needle must have: fewer turn up anywhere, and finding them says nothing."""
_PIECES = 16
"""Of each text: enough to meet any page that holds a part of it longer than a sixteenth."""


class Needle(NamedTuple):
    """Bytes that must be nowhere after the erasure."""

    what: str
    data: bytes


class Erasure(NamedTuple):
    """What was erased, and what to look for."""

    ids: tuple[str, ...]
    delta: Delta
    needles: tuple[Needle, ...]
    words_left: bool = False
    """Whether the full text index still leads to it."""
    boards: tuple[Touched, ...] = ()
    """Cells that it was promoted from and that are gone with it."""
    notes: tuple[str, ...] = ()
    """Notes of scratchpads that were erased."""
    sessions: tuple[str, ...] = ()
    """Whose scratchpads those were."""


def erase(
    connection: Connection,
    tenant: int,
    model: int,
    ids: Sequence[str],
    now: datetime,
    due: datetime | None,
    erasures: Erasures | None,
    notes: Sequence[str] = (),
) -> Erasure:
    """Remove every version of the memories, of what is derived from them and of what was merged into
    them, which says the same; the notes of scratchpads that any of these come from or that say the
    same words, and other notes by their ids. With `due`, only of those that are deleted and whose
    time to be restored is up by then: one may have been restored since it was looked up. Without
    `erasures` there is no index to be told.

    Raises:
        NotFound: without `due`, an id is unknown; nothing was erased.
    """
    there = current(connection, tenant, ids, deleted=True)
    missing = [name for name in ids if name not in there]
    if missing and due is None:
        raise NotFound(f"No memory {', '.join(missing[:5])}. Ids come from recall or remember.")
    found = tuple(name for name, row in there.items() if due is None or _is_due(row.memory, due))
    found = (*found, *erased_with(connection, tenant, found))
    where = (_m.tenant == tenant, one_of(_m.id, found))
    rows = connection.execute(select(_m.seq, _m.content, _m.packed).where(*where)).all()
    contents = {seq: text if not frame else unpack_text(frame) for seq, text, frame in rows}
    erased_notes = erase_notes(
        connection, tenant, ids=notes, memories=found, contents=list(contents.values())
    )
    if not rows and not erased_notes:
        return Erasure((), Delta(), ())
    seqs = list(contents)
    removed = passage_ids(connection, tenant, model, seqs)
    needles = [*needles_of(connection, tenant, found), *_noted(erased_notes)]
    boards, values = erase_promoted(connection, tenant, found, now)
    needles += [Needle("cell", piece.encode()) for text in values for piece in pieces(text)]
    if rows:
        _remove(connection, tenant, found, seqs)
    if erasures is not None:
        erased(connection, tenant, removed, erasures)
    left = still_indexed(connection, tenant, " ".join(contents.values()), seqs)
    return Erasure(
        found,
        Delta(removed=tuple(removed)),
        telling(needles),
        left,
        boards=tuple(boards),
        notes=tuple(note.id for note in erased_notes),
        sessions=tuple(dict.fromkeys(note.session for note in erased_notes)),
    )


def needles_of(connection: Connection, tenant: int, ids: Sequence[str]) -> list[Needle]:
    """What to look for once the memories are erased, in all their versions."""
    where = (_m.tenant == tenant, one_of(_m.id, ids))
    rows = connection.execute(select(_m.seq, _m.content, _m.packed).where(*where)).all()
    texts = [text if not frame else unpack_text(frame) for _, text, frame in rows]
    return [
        *(Needle("text", piece.encode()) for text in texts for piece in pieces(text)),
        *(Needle("packed text", piece) for row in rows for piece in pieces(row.packed or b"")),
        *(Needle("id", name.encode()) for name in ids),
        *(Needle("derived", text.encode()) for text in derived_texts(connection, tenant, ids)),
        *_vectors(connection, tenant, [row.seq for row in rows]),
    ]


def telling(needles: Sequence[Needle]) -> tuple[Needle, ...]:
    """Those that turn up nowhere by chance, each once."""
    return tuple(one for one in dict.fromkeys(needles) if len(set(one.data)) >= _TELLING)


def _is_due(memory: Memory, due: datetime) -> bool:
    until = memory.restorable_until
    return memory.deleted_at is not None and until is not None and until <= due


def _remove(connection: Connection, tenant: int, ids: Sequence[str], seqs: list[int]) -> None:
    erase_about(connection, tenant, ids)
    remove_words(connection, tenant, seqs)
    purge_words(connection, tenant)
    connection.execute(delete(memories).where(one_of(_m.seq, seqs)))
    orphaned = update(memories).where(_m.tenant == tenant, one_of(_m.superseded_by, ids))
    connection.execute(orphaned.values(superseded_by=ERASED))
    prune_vectors(connection, tenant)
    forget_steps(connection, tenant, ids)


def _vectors(connection: Connection, tenant: int, seqs: list[int]) -> list[Needle]:
    """The vectors of the passages, and the hashes that name them."""
    same = and_(_v.tenant == _p.tenant, _v.model == _p.model, _v.key == _p.key)
    statement = select(_v.key, _v.vector).join(passages, same).distinct()
    rows = connection.execute(statement.where(_p.tenant == tenant, one_of(_p.seq, seqs))).all()
    return [n for row in rows for n in (Needle("hash", row.key), Needle("vector", row.vector))]


def _noted(notes: Sequence[ErasedNote]) -> list[Needle]:
    texts = [Needle("text", piece.encode()) for note in notes for piece in pieces(note.content)]
    return [*texts, *(Needle("id", note.id.encode()) for note in notes)]


def pieces(whole: Text) -> list[Text]:
    """Up to 16 pieces of 32 characters or bytes, spread over the whole; a short one is one piece."""
    step = max(_PIECE, -(-len(whole) // _PIECES))
    pieces = [whole[start : start + _PIECE] for start in range(0, len(whole), step)]
    return [piece for piece in pieces if len(piece) >= min(len(whole), _PIECE // 2)]


def _is_audited(connection: Connection, name: str) -> bool:
    """Whether the audit says what was done to a memory: it names it, and nothing that it said."""
    statement = select(audit.c.number).where(func.instr(audit.c.ids, name) > 0)
    return connection.execute(statement.limit(1)).first() is not None


def explained(connection: Connection, needle: Needle) -> bool:
    """Whether something that was not erased holds the needle: another memory may say the same, and
    texts that differ only in case have the same vector. Then finding it proves nothing."""
    match needle.what:
        case "id" if _is_audited(connection, needle.data.decode()):
            return True
        case "hash":
            statement = select(_p.seq).where(_p.key == needle.data)
        case "vector":
            statement = select(_v.key).where(_v.vector == needle.data)
        case "packed text":
            statement = select(_m.seq).where(func.instr(_m.packed, needle.data) > 0)
        case _:
            piece = needle.data.decode()
            if mentions(connection, piece):
                return True
            # A frame may hold short runs of its text as they are.
            packed = func.instr(_m.packed, needle.data) > 0
            statement = select(_m.seq).where(
                or_(packed, *(func.instr(c, piece) > 0 for c in _TEXTS))
            )
            on_board = select(_c.key).where(or_(*(func.instr(c, piece) > 0 for c in _CELLS)))
            if any(connection.execute(one.limit(1)).first() for one in (statement, on_board)):
                return True
            return any(_holds(connection, column, piece) for column in _DERIVED)
    return connection.execute(statement.limit(1)).first() is not None


def _holds(connection: Connection, column: Column[str], piece: str) -> bool:
    statement = select(column).where(func.instr(column, piece) > 0)
    return connection.execute(statement.limit(1)).first() is not None
