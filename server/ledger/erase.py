"""Erasure: rows, words and vectors go. What to look for afterwards is noted before they do."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, or_, select, update

from .fulltext import purge_words, remove_words, still_indexed
from .reads import current
from .tables import memories, passages, vectors
from .vectors import Delta, passage_ids, prune_vectors
from .where import one_of

__all__ = ["ERASED", "Erasure", "Needle", "erase"]

ERASED = "erased"
"""Stands where the id of an erased successor stood."""

_m = memories.c
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


def erase(connection: Connection, tenant: int, model: int, ids: Sequence[str]) -> Erasure:
    """Remove every version of the memories. Ids that are not there are passed over."""
    found = tuple(current(connection, tenant, ids, deleted=True))
    where = (_m.tenant == tenant, one_of(_m.id, found))
    rows = connection.execute(select(_m.seq, _m.content).where(*where)).all()
    if not rows:
        return Erasure((), Delta(), ())
    seqs = [row.seq for row in rows]
    keys = _passage_keys(connection, tenant, seqs)
    removed = passage_ids(connection, tenant, model, seqs)
    _remove(connection, tenant, found, seqs)
    needles = [
        *_text_needles(connection, {row.content for row in rows}),
        *(Needle("id", name.encode()) for name in found),
        *_vector_needles(connection, tenant, keys),
    ]
    prune_vectors(connection, tenant)
    telling = tuple(needle for needle in needles if len(set(needle.data)) >= _TELLING)
    left = still_indexed(connection, tenant, " ".join(row.content for row in rows), seqs)
    return Erasure(found, Delta(removed=tuple(removed)), telling, left)


def _remove(connection: Connection, tenant: int, ids: Sequence[str], seqs: list[int]) -> None:
    remove_words(connection, tenant, seqs)
    purge_words(connection, tenant)
    connection.execute(delete(memories).where(one_of(_m.seq, seqs)))
    orphaned = update(memories).where(_m.tenant == tenant, one_of(_m.superseded_by, ids))
    connection.execute(orphaned.values(superseded_by=ERASED))


def _passage_keys(connection: Connection, tenant: int, seqs: list[int]) -> list[bytes]:
    where = (passages.c.tenant == tenant, one_of(passages.c.seq, seqs))
    return list(connection.scalars(select(passages.c.key).where(*where).distinct()))


def _vector_needles(connection: Connection, tenant: int, keys: list[bytes]) -> list[Needle]:
    """Vectors and the hashes that name them, of texts that nothing else says."""
    used = select(passages.c.key).where(passages.c.key.in_(keys))
    needed = set(connection.scalars(used))
    gone = [key for key in keys if key not in needed]
    where = (vectors.c.tenant == tenant, vectors.c.key.in_(gone))
    rows = connection.execute(select(vectors.c.key, vectors.c.vector).where(*where)).all()
    lost = [row.vector for row in rows if not _twin(connection, row.key, row.vector)]
    return [
        *(Needle("hash", key) for key in gone),
        *(Needle("vector", vector) for vector in lost),
    ]


def _twin(connection: Connection, key: bytes, vector: bytes) -> bool:
    """Whether another text has the same vector, as texts have that differ only in case."""
    where = (vectors.c.vector == vector, vectors.c.key != key)
    return connection.scalar(select(vectors.c.key).where(*where).limit(1)) is not None


def _text_needles(connection: Connection, texts: Iterable[str]) -> list[Needle]:
    return [
        Needle("text", piece.encode())
        for whole in texts
        for piece in _pieces(whole)
        if not _elsewhere(connection, piece)
    ]


def _pieces(whole: str) -> list[str]:
    """Up to 16 pieces of 32 characters, spread over the text; a short text is one piece."""
    step = max(_PIECE, -(-len(whole) // _PIECES))
    pieces = [whole[start : start + _PIECE] for start in range(0, len(whole), step)]
    return [piece for piece in pieces if len(piece) >= min(len(whole), _PIECE // 2)]


def _elsewhere(connection: Connection, piece: str) -> bool:
    """Whether another memory says the same: then finding it proves nothing."""
    columns = (_m.content, _m.speaker, _m.session, _m.namespace, _m.tags, _m.entities, _m.metadata)
    found = or_(*(func.instr(column, piece) > 0 for column in columns))
    return connection.scalar(select(_m.seq).where(found).limit(1)) is not None
