"""Vectors by (model, SHA-256 of the passage's text), and the passages that point at them.

A passage is known to the index by one integer: `seq << 12 | its place in the memory`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from ..model import Tier
from .prepared import Prepared, key_names, prepare
from .rows import NewPassage, VersionRow, memory_of, pack, unpack
from .tables import GONE, memories, models, passages, vectors
from .where import one_of

__all__ = [
    "MAX_PASSAGES",
    "Delta",
    "IndexRows",
    "add_passages",
    "backlog",
    "backlog_size",
    "copy_passages",
    "firsts_of",
    "index_rows",
    "indexable",
    "indexable_count",
    "indexed",
    "known_vectors",
    "model_key",
    "passage_id",
    "passage_ids",
    "passages_of",
    "prune_vectors",
    "rows_from",
    "rows_of",
    "seq_of",
    "seqs_of",
]

_BITS = 12
MAX_PASSAGES = 1 << _BITS
"""Of one memory; far more than its longest content has."""

_p, _v, _m = passages.c, vectors.c, memories.c
_of_passage = and_(_v.tenant == _p.tenant, _v.model == _p.model, _v.key == _p.key)
_CHUNK = 2000
_BELONGS = (
    _m.replaced_at.is_(None),
    _m.deleted_at.is_(None),
    _m.superseded_by.is_(None),
    _m.tier != Tier.COLD,
)
"""Into the index."""


class IndexRows(NamedTuple):
    """What an index is fed: ids, shape (n,), and vectors, shape (n, dimension)."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


class Delta(NamedTuple):
    """What a write means for the index."""

    removed: tuple[int, ...] = ()
    """Passage ids."""
    added: tuple[tuple[int, NDArray[np.float32]], ...] = ()
    """Passage ids with their vectors."""


def passage_id(seq: int, place: int) -> int:
    """The index id of a version's passage."""
    return seq << _BITS | place


def seq_of(passage: int) -> int:
    """The version of a passage."""
    return passage >> _BITS


def seqs_of(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The version of each passage."""
    return ids >> _BITS


def firsts_of(seqs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first passage of each version."""
    return seqs << _BITS


def model_key(connection: Connection, identity: str, dimension: int) -> int:
    """The model's number, given on first sight."""
    row = {"identity": identity, "dimension": dimension}
    connection.execute(insert(models).values(row).on_conflict_do_nothing())
    statement = select(models.c.key).where(models.c.identity == identity)
    return connection.execute(statement).scalar_one()


def add_passages(
    connection: Connection,
    tenant: int,
    model: int,
    rows: Sequence[tuple[int, Sequence[NewPassage]]],
) -> None:
    """Store the passages of versions, and their vectors where they are new."""
    base = {"tenant": tenant, "model": model}
    known = {p.key: p.vector for _, found in rows for p in found}
    if known:
        values = [{**base, "key": key, "vector": pack(v)} for key, v in known.items()]
        connection.execute(insert(vectors).on_conflict_do_nothing(), values)
    places = [
        {**base, "seq": seq, "ord": place, "start": p.start, "stop": p.stop, "key": p.key}
        for seq, found in rows
        for place, p in enumerate(found)
    ]
    if places:
        connection.execute(insert(passages).on_conflict_do_nothing(), places)


def copy_passages(connection: Connection, source: int, target: int) -> None:
    """Give a new version with the same content the passages of the old one, of all models."""
    names = [column.name for column in passages.columns]
    cells = [literal(target) if name == "seq" else _p[name] for name in names]
    copied = select(*cells).where(_p.seq == source)
    connection.execute(insert(passages).from_select(names, copied))


def passage_ids(connection: Connection, tenant: int, model: int, seqs: Sequence[int]) -> list[int]:
    """The index ids of the versions' passages."""
    where = (_p.tenant == tenant, _p.model == model, one_of(_p.seq, seqs))
    rows = connection.execute(select(_p.seq, _p.ord).where(*where))
    return [passage_id(seq, place) for seq, place in rows]


@cache
def known_vectors(size: int) -> Prepared:
    """Keys and packed vectors of the texts among `key0` … that were embedded before."""
    keys = _v.key.in_([bindparam(name) for name in key_names(size)])
    where = (_v.tenant == bindparam("tenant"), _v.model == bindparam("model"), keys)
    return prepare(select(_v.key, _v.vector).where(*where))


def index_rows(
    connection: Connection, tenant: int, model: int, dimension: int, seqs: Sequence[int]
) -> IndexRows:
    """The passages of some versions, by seq."""
    statement = _passages_of(tenant, model).where(one_of(_p.seq, seqs))
    return _read(connection, statement, dimension)


@cache
def passages_of() -> Prepared:
    """The same as SQL: seq, place, packed vector. `seqs`: a JSON list."""
    tenant, model = (bindparam(name, type_=Integer()) for name in ("tenant", "model"))
    statement = _passages_of(tenant, model)
    return prepare(statement.where(one_of(_p.seq, bindparam("seqs", type_=Text()))))


def rows_from(rows: Sequence[Sequence[Any]], dimension: int) -> IndexRows:
    """What `passages_of` finds."""
    ids = np.fromiter((passage_id(seq, place) for seq, place, _ in rows), np.int64, len(rows))
    return IndexRows(ids, unpack([vector for _, _, vector in rows], dimension))


def rows_of(
    connection: Connection, tenant: int, model: int, dimension: int, ids: Sequence[int]
) -> IndexRows:
    """Those of the passages that exist, whether or not they belong into the index."""
    found = index_rows(connection, tenant, model, dimension, [*{seq_of(one) for one in ids}])
    asked = np.isin(found.ids, np.array(ids, np.int64))
    return IndexRows(found.ids[asked], found.vectors[asked])


def indexable(
    connection: Connection, tenant: int, model: int, dimension: int, after: int
) -> tuple[IndexRows, int | None]:
    """The next passages that belong into the index, of seqs above `after`, and where to go on.

    Those are of current memories that are neither deleted, superseded nor cold.
    """
    last = select(_p.seq).where(_p.tenant == tenant, _p.model == model, _p.seq > after)
    until = connection.scalar(last.order_by(_p.seq).offset(_CHUNK).limit(1))
    statement = _passages_of(tenant, model).join(memories, _m.seq == _p.seq)
    statement = statement.where(
        _p.seq > after,
        *_BELONGS,
    )
    if until is not None:
        statement = statement.where(_p.seq <= until)
    return _read(connection, statement, dimension), until


@cache
def indexable_count() -> Prepared:
    """How many passages `indexable` gives in all: those there are, without those of versions that are
    gone, which are fewer and have an index of their own."""
    model = _p.model == bindparam("model")
    all_of = select(func.count()).where(_p.tenant == bindparam("tenant"), model)
    # Adding 0 keeps SQLite from walking all passages here, too.
    gone = select(func.count()).select_from(memories.join(passages, _p.seq == _m.seq))
    gone = gone.where(_m.tenant == bindparam("tenant"), GONE, _p.tenant + 0 == _m.tenant, model)
    return prepare(select(all_of.scalar_subquery() - gone.scalar_subquery()))


def indexed(
    connection: Connection, tenant: int, model: int, dimension: int, seqs: Sequence[int]
) -> Delta:
    """The passages of those of the versions that belong into the index by now."""
    where = (one_of(_m.seq, seqs), *_BELONGS)
    kept = list(connection.scalars(select(_m.seq).where(*where)))
    found = index_rows(connection, tenant, model, dimension, kept)
    return Delta(added=tuple(zip(found.ids.tolist(), found.vectors, strict=True)))


def _read(connection: Connection, statement: Select[int, int, bytes], dimension: int) -> IndexRows:
    return rows_from(connection.execute(statement).all(), dimension)


def _passages_of(
    tenant: int | BindParameter[int], model: int | BindParameter[int]
) -> Select[int, int, bytes]:
    statement = select(_p.seq, _p.ord, _v.vector).join(vectors, _of_passage)
    statement = statement.where(_p.tenant == tenant, _p.model == model)
    return statement.order_by(_p.seq, _p.ord)


def _unembedded(
    tenant: int, model: int
) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    done = exists().where(_p.tenant == tenant, _p.model == model, _p.seq == _m.seq)
    return _m.tenant == tenant, _m.deleted_at.is_(None), ~done


def backlog(connection: Connection, tenant: int, model: int, limit: int) -> list[VersionRow]:
    """Versions that this model has not embedded yet, newest first."""
    statement = select(memories).where(*_unembedded(tenant, model))
    rows = connection.execute(statement.order_by(_m.seq.desc()).limit(limit)).mappings()
    return [VersionRow(row["seq"], memory_of(row)) for row in rows]


def backlog_size(connection: Connection, tenant: int, model: int) -> int:
    """How many versions this model has not embedded yet."""
    statement = select(func.count()).select_from(memories)
    return connection.execute(statement.where(*_unembedded(tenant, model))).scalar_one()


def prune_vectors(connection: Connection, tenant: int) -> None:
    """Drop the vectors that no passage points at."""
    used = exists().where(_of_passage)
    connection.execute(delete(vectors).where(_v.tenant == tenant, ~used))
