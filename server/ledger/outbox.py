"""What the index has yet to be told: each change of what belongs into it, in the order of the commits.

A row is written in the transaction that changes the passage, and stays until a generation of the
index that was fed with it is adopted. Removing and adding are idempotent, so rows may be fed again.
Functions for the `Writer`'s transactions; `feed` is their face.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    delete,
    false,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from ..model import Tier
from .reads import existing
from .tables import indexes, memories, outbox, sequences
from .vectors import Delta, seq_of
from .where import one_of

__all__ = [
    "Erasures",
    "IndexRow",
    "OutboxRow",
    "adopt",
    "append",
    "disown",
    "enter",
    "erased",
    "last",
    "newest",
    "trim",
]

_o, _i, _m = outbox.c, indexes.c, memories.c

_APPEND = (
    "INSERT INTO outbox (tenant, passage, added) "
    "SELECT ?, abs(value), value > 0 FROM json_each(?) ORDER BY key"
)
"""Passage ids as one list, those that are removed negative: a group costs what a single one does."""


_ERASED = "a memory was erased"


class OutboxRow(NamedTuple):
    """A passage that belongs into the index from here on, or no longer does."""

    id: int
    """Greater than those of all earlier changes, of any tenant."""
    passage: int
    added: bool


class IndexRow(NamedTuple):
    """What the ledger knows of a tenant's index."""

    generation: str | None
    """The one that was adopted; None while there is none."""
    sequence: int
    """Of the outbox: the generation was fed up to here."""
    newest: int
    """No memory of a higher seq is in the generation."""
    reason: str
    """Why the last one was built or given up."""
    built_at: datetime | None


class Erasures:
    """Passages that were erased in this process without a trace in the outbox.

    Whoever builds a generation may have read them before. A build dies with its process, so they need
    not be remembered for longer than that.
    """

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        self._noted: list[tuple[int, tuple[int, ...]]] = []

    def note(self, at: int, passages: Sequence[int]) -> None:
        """Passages erased at this place of the outbox, if the transaction is committed."""
        if passages:
            self._noted.append((at, tuple(passages)))

    def since(self, sequence: int) -> list[int]:
        """Passages that were erased after a place of the outbox was read."""
        return [one for at, passages in self._noted if at > sequence for one in passages]

    def told(self, until: int) -> None:
        """The outbox has what was erased up to one of its places, as far as anybody has it."""
        self._noted = [noted for noted in self._noted if noted[0] > until]


def append(connection: Connection, tenant: int, delta: Delta) -> None:
    """Note a change: what is removed, then what is added."""
    changes = [-one for one in delta.removed] + [one for one, _ in delta.added]
    if changes:
        # Not compiled for each call: every remember pays for this.
        connection.exec_driver_sql(_APPEND, (tenant, json.dumps(changes)))


def enter(connection: Connection, tenant: int, model: int, *, feeding: bool) -> None:
    """Drop what is of no use: a generation of another model, or one that will not be fed; and the
    changes, where there is no generation to bring up to them, for whoever builds one reads all."""
    useful = _i.model == model if feeding else false()
    connection.execute(delete(indexes).where(_i.tenant == tenant, ~useful))
    kept = select(_i.generation).where(_i.tenant == tenant)
    if connection.scalar(kept) is None:
        connection.execute(delete(outbox).where(_o.tenant == tenant))


def erased(
    connection: Connection, tenant: int, passages: Sequence[int], erasures: Erasures
) -> None:
    """Forget the changes of erased passages, and with them the generation, if it may hold one: an
    index keeps the vectors that are deleted from it."""
    connection.execute(delete(outbox).where(_o.tenant == tenant, one_of(_o.passage, passages)))
    before = connection.scalar(last()) or 0
    # Even where none of these rows stays, the numbers they took tell earlier readers from later.
    append(connection, tenant, Delta(removed=tuple(passages)))
    connection.execute(delete(outbox).where(_o.tenant == tenant, _o.id > before))
    erasures.note(connection.scalar(last()) or 0, passages)
    if any(seq_of(one) <= _held(connection, tenant) for one in passages):
        gone = {"generation": None, "reason": _ERASED}
        connection.execute(update(indexes).where(_i.tenant == tenant).values(gone))


def _held(connection: Connection, tenant: int) -> int:
    """The highest seq that the adopted generation may hold."""
    where = (_i.tenant == tenant, _i.generation.is_not(None))
    return connection.scalar(select(_i.newest).where(*where)) or 0


def adopt(
    connection: Connection, tenant: int, model: int, row: IndexRow, begun: int, erasures: Erasures
) -> int:
    """Make a generation the tenant's; the changes that it was fed with go. Returns the last change.

    If something was erased after it was begun, it may hold that, and is not made the tenant's.
    """
    # Its pages may have been read just now.
    latest = connection.scalar(newest(), {"tenant": tenant}) or 0
    # The sequence says nothing of it: what is erased leaves no change behind to be fed.
    missed = erasures.since(begun)
    # One whose transaction was rolled back was noted too, and is still there.
    there = existing(connection, tenant, [seq_of(one) for one in missed])
    if any(seq_of(one) not in there for one in missed):
        row = row._replace(generation=None, reason=_ERASED)
    _set(connection, tenant, model, row._replace(newest=latest)._asdict())
    connection.execute(delete(outbox).where(_o.tenant == tenant, _o.id <= row.sequence))
    return connection.scalar(last()) or 0


def trim(connection: Connection, tenant: int, until: int) -> None:
    """Drop the changes up to a place, where there is no generation that wants to be told of them."""
    wanted = select(_i.generation).where(_i.tenant == tenant)
    if connection.scalar(wanted) is None:
        connection.execute(delete(outbox).where(_o.tenant == tenant, _o.id <= until))


def disown(connection: Connection, tenant: int, model: int, reason: str) -> None:
    """Have no generation, and say why."""
    _set(connection, tenant, model, {"generation": None, "reason": reason})


def _set(connection: Connection, tenant: int, model: int, cells: dict[str, object]) -> None:
    first = {"sequence": 0, "newest": 0, "built_at": None}
    cells = {"model": model, **cells}
    statement = insert(indexes).values({"tenant": tenant, **first, **cells})
    connection.execute(statement.on_conflict_do_update(index_elements=[_i.tenant], set_=cells))


def last() -> Select[int]:
    """The highest number that a change ever had, of any tenant; no row before the first."""
    return select(sequences.c.seq).where(sequences.c.name == outbox.name)


def newest() -> Select[int]:
    """The highest seq of a tenant; 0 if it has none. Each tier's is the end of an index."""
    tops = [
        select(_m.seq)
        .where(_m.tenant == bindparam("tenant"), _m.tier == tier)
        .order_by(_m.seq.desc())
        .limit(1)
        .scalar_subquery()
        for tier in Tier
    ]
    return select(func.max(*(func.coalesce(top, 0) for top in tops)))
