"""What is written: jobs for the `Writer`, plain functions over its connection."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, insert, select, update

from ..errors import NotFound
from ..model import Memory, Outcome, Tier
from .about import write as write_about
from .about_erase import forget_about
from .cold import Moved, unpack
from .derived import summaries_of
from .fulltext import add_words
from .reads import current, live_keys
from .rows import NewMemory, NewPassage, VersionRow, values_of
from .tables import labels, memories
from .vectors import Delta, add_passages, copy_passages, indexed, passage_id, passage_ids
from .where import fold, one_of

__all__ = [
    "Stored",
    "archive",
    "insert_new",
    "mark_deleted",
    "put_version",
    "rehearse",
    "restore",
    "revise",
    "store",
]

Vector: TypeAlias = NDArray[np.float32]

_m = memories.c


class Stored(NamedTuple):
    """What became of one new memory."""

    id: str
    outcome: Outcome


def store(
    connection: Connection, tenant: int, model: int, new: Sequence[NewMemory], now: datetime
) -> tuple[list[Stored], Delta]:
    """Store memories that are not exact repeats; all of them or none.

    Raises:
        NotFound: one of `supersedes` names no current memory.
    """
    known = _repeated(connection, tenant, new, now)
    repeated = [seq for seq, _ in known.values()]
    ids = {key: name for key, (_, name) in known.items()}
    fresh: list[NewMemory] = []
    answers: list[Stored] = []
    for n in new:
        repeats = n.key in ids
        if not repeats:
            fresh.append(n)
        name = ids.setdefault(n.key, n.memory.id)
        outcome = (
            "superseded_others"
            if n.supersedes or n.outdates
            else "duplicate"
            if repeats
            else "stored"
        )
        answers.append(Stored(name, outcome))
    if repeated:
        rehearse(connection, tenant, dict.fromkeys(repeated, 1), now)
    added = insert_new(connection, tenant, model, fresh)
    abouts = [(n.memory.id, n.about) for n in fresh if n.about is not None]
    write_about(connection, tenant, abouts, now)
    removed = [d for n in new for d in _supersede(connection, tenant, model, n, ids[n.key], now)]
    # One may supersede another of its own group.
    gone = set(removed)
    return answers, Delta(tuple(removed), tuple(one for one in added if one[0] not in gone))


def _repeated(
    connection: Connection, tenant: int, new: Sequence[NewMemory], now: datetime
) -> dict[bytes, tuple[int, str]]:
    """Seqs and ids of what the new ones repeat, by key: what holds at least as long as they would,
    and is not superseded by one of them."""
    superseded = {name for n in new for name in (*n.supersedes, *n.outdates)}
    until = {n.key: n.memory.valid_until for n in new}
    return {
        key: (seq, name)
        for key, seq, name, holds in live_keys(connection, tenant, list(until), now)
        if name not in superseded and _covers(holds, until[key])
    }


def _covers(holds: datetime | None, wanted: datetime | None) -> bool:
    return holds is None or (wanted is not None and holds >= wanted)


def insert_new(
    connection: Connection, tenant: int, model: int, new: Sequence[NewMemory]
) -> list[tuple[int, Vector]]:
    """Store first versions. Returns the passages for the index."""
    if not new:
        return []
    rows = [values_of(n.memory, tenant=tenant, key=n.key) for n in new]
    statement = insert(memories).returning(_m.seq, sort_by_parameter_order=True)
    seqs = list(connection.scalars(statement, rows))
    add_passages(
        connection, tenant, model, [(s, n.passages) for s, n in zip(seqs, new, strict=True)]
    )
    _label(connection, tenant, [(s, n.memory) for s, n in zip(seqs, new, strict=True)])
    add_words(connection, tenant, seqs)
    return [
        (passage_id(seq, place), passage.vector)
        for seq, n in zip(seqs, new, strict=True)
        for place, passage in enumerate(n.passages)
    ]


def _label(connection: Connection, tenant: int, rows: Sequence[tuple[int, Memory]]) -> None:
    values = [
        {"tenant": tenant, "facet": facet, "label": label, "seq": seq}
        for seq, memory in rows
        for facet, names in (("tag", memory.tags), ("entity", memory.entities))
        for label in dict.fromkeys(fold(name) for name in names)
    ]
    if values:
        connection.execute(insert(labels), values)


def _supersede(
    connection: Connection, tenant: int, model: int, new: NewMemory, name: str, now: datetime
) -> list[int]:
    """End the older memories' validity where the new one's begins. Returns their passage ids."""
    removed: list[int] = []
    olds = _current(connection, tenant, [old for old in new.supersedes if old != name])
    others = [old for old in new.outdates if old != name and old not in olds]
    if others:
        olds |= current(connection, tenant, others)
    for old in olds.values():
        ends = (old.memory.valid_until, new.memory.valid_from)
        until = min(end for end in ends if end is not None)
        later = replace(old.memory, superseded_by=name, valid_until=until)
        removed += passage_ids(connection, tenant, model, [old.seq])
        put_version(connection, tenant, old, later, now)
    return removed


def _current(connection: Connection, tenant: int, ids: Sequence[str]) -> dict[str, VersionRow]:
    found = current(connection, tenant, ids) if ids else {}
    missing = [name for name in ids if name not in found]
    if missing:
        raise NotFound(f"No memory {', '.join(missing[:5])}. Ids come from recall or remember.")
    return found


def put_version(
    connection: Connection,
    tenant: int,
    old: VersionRow,
    later: Memory,
    now: datetime,
    passages: tuple[bytes, int, Sequence[NewPassage]] | None = None,
) -> int:
    """Make `later` the current version. Without new passages it keeps those of the old one."""
    # Recorded time only goes forward, whenever a write was begun.
    now = max(now, old.memory.recorded_at + timedelta(microseconds=1))
    connection.execute(update(memories).where(_m.seq == old.seq).values(replaced_at=now))
    later = replace(later, version=old.memory.version + 1, recorded_at=now, replaced_at=None)
    if passages is None:
        key = connection.execute(select(_m.key).where(_m.seq == old.seq)).scalar_one()
    else:
        key = passages[0]
    values = values_of(later, tenant=tenant, key=key)
    seq = connection.execute(insert(memories).returning(_m.seq), [values]).scalar_one()
    if passages is None:
        copy_passages(connection, old.seq, seq)
    else:
        add_passages(connection, tenant, passages[1], [(seq, passages[2])])
    _label(connection, tenant, [(seq, later)])
    add_words(connection, tenant, [seq])
    return seq


def revise(
    connection: Connection,
    tenant: int,
    model: int,
    dimension: int,
    expected: VersionRow,
    later: Memory,
    now: datetime,
    content: tuple[bytes, Sequence[NewPassage]] | None,
) -> tuple[VersionRow, Delta] | None:
    """Put a version in the place of the expected one; None if that is no longer the current one.

    Raises:
        NotFound: the memory is gone.
    """
    old = _current(connection, tenant, [later.id])[later.id]
    if old.seq != expected.seq:
        return None
    # Archived or used meanwhile: those are no versions, and stay.
    was, now_is = expected.memory, old.memory
    later = replace(later, tier=now_is.tier, uses=now_is.uses, used_at=now_is.used_at)
    if later.pinned == was.pinned:
        later = replace(later, pinned=now_is.pinned)
    removed = passage_ids(connection, tenant, model, [old.seq])
    passages = None if content is None else (content[0], model, content[1])
    put_version(connection, tenant, old, later, now, passages)
    if content is not None:
        forget_about(connection, tenant, [later.id])
    row = current(connection, tenant, [later.id])[later.id]
    added = indexed(connection, tenant, model, dimension, [row.seq]).added
    return row, Delta(tuple(removed), added)


def archive(connection: Connection, tenant: int, model: int, ids: Sequence[str]) -> Delta:
    """Move memories to the cold tier, unpinned: what is pinned would stay in the context.

    Raises:
        NotFound: an id names no current memory; nothing was moved.
    """
    return _mark(connection, tenant, model, ids, tier=Tier.COLD, pinned=False)


def mark_deleted(
    connection: Connection,
    tenant: int,
    model: int,
    ids: Sequence[str],
    now: datetime,
    until: datetime,
) -> Moved:
    """Hide memories, and what is derived from them, until they are restored or their time is up.

    Raises:
        NotFound: an id names no current memory; nothing was deleted.
    """
    ids = [*ids, *summaries_of(connection, tenant, ids)]
    delta = _mark(connection, tenant, model, ids)
    # Every version, or `known_at` would show the earlier ones.
    versions = update(memories).where(_m.tenant == tenant, one_of(_m.id, ids))
    connection.execute(versions.values(deleted_at=now, restorable_until=until))
    return Moved(tuple(ids), delta)


def _mark(
    connection: Connection, tenant: int, model: int, ids: Sequence[str], **values: object
) -> Delta:
    seqs = [row.seq for row in _current(connection, tenant, ids).values()]
    if values:
        connection.execute(update(memories).where(one_of(_m.seq, seqs)).values(values))
    return Delta(removed=tuple(passage_ids(connection, tenant, model, seqs)))


def restore(
    connection: Connection, tenant: int, model: int, dimension: int, ids: Sequence[str]
) -> Delta:
    """Bring deleted and archived memories back to the warm tier.

    Raises:
        NotFound: an id is unknown, or its time was up; nothing was restored.
    """
    found = current(connection, tenant, ids, deleted=True)
    missing = [name for name in ids if name not in found]
    if missing:
        raise NotFound(f"No memory {', '.join(missing[:5])} to restore: erased, or never there.")
    seqs = [row.seq for row in found.values()]
    versions = update(memories).where(_m.tenant == tenant, one_of(_m.id, ids))
    connection.execute(versions.values(deleted_at=None, restorable_until=None))
    unpack(connection, tenant, ids)
    connection.execute(update(memories).where(one_of(_m.seq, seqs)).values(tier=Tier.WARM))
    return indexed(connection, tenant, model, dimension, seqs)


def rehearse(connection: Connection, tenant: int, uses: Mapping[int, int], now: datetime) -> None:
    """Count uses, by seq."""
    statement = (
        update(memories)
        .where(_m.seq == bindparam("one"), _m.tenant == tenant)
        .values(
            uses=_m.uses + bindparam("more"),
            used_at=func.max(_m.used_at, bindparam("now", type_=_m.used_at.type)),
        )
    )
    values = [{"one": seq, "more": more, "now": now} for seq, more in uses.items()]
    connection.execute(statement, values)
