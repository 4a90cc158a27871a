"""One cycle of consolidation: written in one transaction, step by step, and taken back the same way.

Each step names the version it found and the version it made. It is done only to what is still as it
was found, and undone only where nothing was done since: both leave everything else alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, bindparam, insert, select, update

from ..model import Tier
from .cold import unpack
from .derived import summaries_of
from .prepared import Prepared, prepare
from .reads import current
from .rows import NewMemory, VersionRow, version_of
from .tables import cycles, derivations, memories, steps
from .vectors import Delta, indexed, passage_ids
from .where import one_of
from .writes import insert_new, put_version

__all__ = [
    "Done",
    "Merge",
    "Plan",
    "Retire",
    "Sum",
    "Taken",
    "apply",
    "log",
    "undo",
    "undone_merges",
]

_m, _c, _s = memories.c, cycles.c, steps.c


class Taken(NamedTuple):
    """A version that a step is about, as it was found."""

    seq: int
    id: str


class Merge(NamedTuple):
    """One statement is superseded by another: it says the same, or what came after."""

    old: Taken
    keeper: Taken


class Sum(NamedTuple):
    """A derived memory, and what it is derived from."""

    new: NewMemory
    sources: tuple[Taken, ...]


class Retire(NamedTuple):
    """A memory that is archived or deleted by rule."""

    one: Taken
    delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a cycle is to do, in this order."""

    retired: Sequence[Retire] = ()
    closed: Sequence[Taken] = ()
    outdated: Sequence[Merge] = ()
    merged: Sequence[Merge] = ()
    summed: Sequence[Sum] = ()


@dataclass(slots=True)
class Done:
    """What it did; of the plan, only what was still as it was found."""

    cycle: int | None = None
    ids: set[str] = field(default_factory=set[str])
    """Memories that were changed or made."""
    removed: list[int] = field(default_factory=list[int])
    added: list[int] = field(default_factory=list[int])
    """Seqs of versions that may belong into the index."""
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    left: set[str] = field(default_factory=set[str])
    """Memories that were changed since and stay as they are."""

    def note(self, kind: str, memory: str, **cells: Any) -> None:
        """Record a step."""
        blank = {"other": None, "before": None, "after": None, "uses": 0, "used_at": None}
        self.steps.append({"kind": kind, "memory": memory, **blank, **cells})
        self.ids.add(memory)

    def delta(self, connection: Connection, tenant: int, model: int, dimension: int) -> Delta:
        """What it means for the index."""
        added = indexed(connection, tenant, model, dimension, self.added).added
        return Delta(tuple(self.removed), added)


class _Ledger(NamedTuple):
    connection: Connection
    tenant: int
    model: int
    now: datetime

    def found(self, taken: Sequence[Taken]) -> dict[str, VersionRow]:
        """Those that are as they were found: current, live and not deleted."""
        rows = current(self.connection, self.tenant, [one.id for one in taken])
        seqs = {one.id: one.seq for one in taken}
        return {name: row for name, row in rows.items() if row.seq == seqs[name]}

    def set(self, seqs: Sequence[int], **values: object) -> None:
        self.connection.execute(update(memories).where(one_of(_m.seq, seqs)).values(values))

    def passages(self, seq: int) -> list[int]:
        return passage_ids(self.connection, self.tenant, self.model, [seq])

    def version(self, seq: int) -> VersionRow:
        statement = select(memories).where(_m.seq == seq, _m.tenant + 0 == self.tenant)
        return version_of(self.connection.execute(statement).one())


def apply(
    connection: Connection,
    tenant: int,
    model: int,
    plan: Plan,
    now: datetime,
    until: datetime,
    summary: str,
) -> Done:
    """Do what is planned, and record it. What is deleted can be restored `until`. Nothing is recorded
    where nothing was done."""
    ledger, done = _Ledger(connection, tenant, model, now), Done()
    for one in plan.retired:
        _retire(ledger, one, until, done)
    for taken in plan.closed:
        _close(ledger, taken, done)
    for ended in plan.outdated:
        _outdate(ledger, ended, done)
    for merge in plan.merged:
        _merge(ledger, merge, done)
    for sum_up in plan.summed:
        _sum(ledger, sum_up, done)
    if done.steps:
        row = {"tenant": tenant, "at": now, "summary": summary}
        done.cycle = connection.execute(insert(cycles).returning(_c.id), [row]).scalar_one()
        values = [
            {"tenant": tenant, "cycle": done.cycle, "ord": place, **step}
            for place, step in enumerate(done.steps)
        ]
        connection.execute(insert(steps), values)
    return done


def _retire(ledger: _Ledger, one: Retire, until: datetime, done: Done) -> None:
    row = ledger.found([one.one]).get(one.one.id)
    if row is None or row.memory.pinned or (row.memory.tier is Tier.COLD and not one.delete):
        return
    if not one.delete:
        done.note("archive", one.one.id, before=row.seq)
        done.removed += ledger.passages(row.seq)
        ledger.set([row.seq], tier=Tier.COLD)
        return
    for name in (one.one.id, *summaries_of(ledger.connection, ledger.tenant, [one.one.id])):
        _hide(ledger, name, until, done)


def _hide(ledger: _Ledger, name: str, until: datetime, done: Done) -> None:
    row = current(ledger.connection, ledger.tenant, [name])[name]
    done.note("delete", name, before=row.seq)
    done.removed += ledger.passages(row.seq)
    where = (_m.tenant == ledger.tenant, _m.id == name)
    values = {"deleted_at": ledger.now, "restorable_until": until}
    ledger.connection.execute(update(memories).where(*where).values(values))


def _close(ledger: _Ledger, taken: Taken, done: Done) -> None:
    """End a derived memory's validity: some of what it says is no longer so."""
    row = ledger.found([taken]).get(taken.id)
    if row is None or row.memory.pinned or row.memory.valid_until is not None:
        return
    ends = max(ledger.now, row.memory.valid_from)
    done.removed += ledger.passages(row.seq)
    later = replace(row.memory, valid_until=ends)
    after = put_version(ledger.connection, ledger.tenant, row, later, ledger.now)
    done.note("close", taken.id, before=row.seq, after=after)


def _outdate(ledger: _Ledger, ended: Merge, done: Done) -> None:
    """As an update does it that may supersede; each keeps its uses."""
    if (pair := _superseded(ledger, ended, done)) is not None:
        row, keeper, after = pair
        done.note("outdate", row.memory.id, other=keeper.memory.id, before=row.seq, after=after)


def _merge(ledger: _Ledger, merge: Merge, done: Done) -> None:
    """As `remember` with `supersedes` does it; the uses of both are the keeper's from now on."""
    if (pair := _superseded(ledger, merge, done)) is None:
        return
    row, keeper, after = pair
    uses, used = keeper.memory.uses, keeper.memory.used_at
    ledger.set([keeper.seq], uses=uses + row.memory.uses, used_at=max(used, row.memory.used_at))
    cells = {"before": row.seq, "after": after, "uses": row.memory.uses, "used_at": used}
    done.note("merge", row.memory.id, other=keeper.memory.id, **cells)
    done.ids.add(keeper.memory.id)


def _superseded(
    ledger: _Ledger, pair: Merge, done: Done
) -> tuple[VersionRow, VersionRow, int] | None:
    """Both as they were, and the seq of the version that is superseded; None where one is not as it was found."""
    found = ledger.found(pair)
    row, keeper = found.get(pair.old.id), found.get(pair.keeper.id)
    if row is None or keeper is None or row.memory.pinned:
        return None
    if row.memory.superseded_by is not None or keeper.memory.superseded_by is not None:
        return None
    done.removed += ledger.passages(row.seq)
    later = replace(
        row.memory, superseded_by=keeper.memory.id, valid_until=keeper.memory.valid_from
    )
    return row, keeper, put_version(ledger.connection, ledger.tenant, row, later, ledger.now)


def _sum(ledger: _Ledger, sum_up: Sum, done: Done) -> None:
    """Add a derived memory, if all its sources are what it was made of."""
    found = ledger.found(sum_up.sources)
    if len(found) < len(sum_up.sources):
        return
    added = insert_new(ledger.connection, ledger.tenant, ledger.model, [sum_up.new])
    name = sum_up.new.memory.id
    seq = current(ledger.connection, ledger.tenant, [name])[name].seq
    rows = [
        {"tenant": ledger.tenant, "memory": name, "source": one, "version": row.memory.version}
        for one, row in found.items()
    ]
    ledger.connection.execute(insert(derivations), rows)
    done.added += [seq] if added else []
    done.note("sum", name, after=seq)


def undo(connection: Connection, tenant: int, model: int, now: datetime, until: datetime) -> Done:
    """Take back the last cycle that was not taken back yet, the last step first. Its number is in the
    answer; None if there is none."""
    ledger, done = _Ledger(connection, tenant, model, now), Done()
    last = select(_c.id).where(_c.tenant == tenant, _c.undone_at.is_(None))
    done.cycle = connection.scalar(last.order_by(_c.id.desc()).limit(1))
    if done.cycle is None:
        return done
    mine = select(steps).where(_s.tenant == tenant, _s.cycle == done.cycle)
    for step in connection.execute(mine.order_by(_s.ord.desc())).mappings().all():
        row = current(connection, tenant, [step["memory"]], deleted=True).get(step["memory"])
        undone = row is not None and _taken_back(ledger, dict(step), row, until, done)
        (done.ids if undone else done.left).add(step["memory"])
    connection.execute(update(cycles).where(_c.id == done.cycle).values(undone_at=now))
    return done


def _taken_back(
    ledger: _Ledger, step: dict[str, Any], row: VersionRow, until: datetime, done: Done
) -> bool:
    """Whether nothing was done to the memory since, and so the step could be taken back."""
    hidden = row.memory.deleted_at is not None
    match step["kind"]:
        case "archive" if row.seq == step["before"] and row.memory.tier is Tier.COLD and not hidden:
            unpack(ledger.connection, ledger.tenant, [row.memory.id])
            ledger.set([row.seq], tier=Tier.WARM)
            done.added.append(row.seq)
        case "delete" if row.seq == step["before"] and hidden:
            where = (_m.tenant == ledger.tenant, _m.id == row.memory.id)
            shown = update(memories).where(*where).values(deleted_at=None, restorable_until=None)
            ledger.connection.execute(shown)
            done.added.append(row.seq)
        case "sum" if row.seq == step["after"] and not hidden and not row.memory.pinned:
            done.removed += ledger.passages(row.seq)
            ledger.set([row.seq], deleted_at=ledger.now, restorable_until=until)
        case "merge" | "close" | "outdate" if row.seq == step["after"] and not hidden:
            _revive(ledger, step, row, done)
        case _:
            return False
    return True


def _revive(ledger: _Ledger, step: dict[str, Any], row: VersionRow, done: Done) -> None:
    """Let a memory hold as it did before."""
    before = ledger.version(step["before"]).memory
    ends = {"superseded_by": before.superseded_by, "valid_until": before.valid_until}
    later = replace(row.memory, **ends)
    done.added.append(put_version(ledger.connection, ledger.tenant, row, later, ledger.now))
    if step["kind"] != "merge":
        return
    keeper = current(ledger.connection, ledger.tenant, [step["other"]], deleted=True)
    for seq, memory in keeper.values():
        used = step["used_at"] if memory.used_at <= before.used_at else memory.used_at
        ledger.set([seq], uses=max(memory.uses - step["uses"], 1), used_at=used)
        done.ids.add(memory.id)


@cache
def log() -> Prepared:
    """Number, time, summary and when it was undone of the last cycles, newest first, up to `limit`."""
    statement = select(_c.id, _c.at, _c.summary, _c.undone_at).where(
        _c.tenant == bindparam("tenant")
    )
    return prepare(statement.order_by(_c.id.desc()).limit(bindparam("limit", type_=Integer())))


@cache
def undone_merges() -> Prepared:
    """Which memory was superseded by which, and that was undone."""
    joined = select(_s.memory, _s.other).join(cycles, _c.id == _s.cycle)
    where = (
        _s.tenant == bindparam("tenant"),
        _s.other.is_not(None),
        _c.undone_at.is_not(None),
    )
    return prepare(joined.where(*where))
