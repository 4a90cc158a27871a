"""Scratchpads as rows: what is read, and what write jobs do inside their transactions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from ..model import Decision, NewNote, Note, NoteOutcome, Section
from .prepared import Prepared, prepare
from .tables import notes, pads, promotions
from .where import one_of

__all__ = [
    "LEAST",
    "PadSize",
    "add_note",
    "due",
    "first_due",
    "listed",
    "note_of",
    "pad_of",
    "pad_row",
    "record",
    "remove_empty",
    "sessions",
    "size_of",
    "spare",
]

LEAST = 200
"""Characters that a note counts for at least, so that a limit of characters bounds their number."""

_n, _d, _q = notes.c, pads.c, promotions.c
_COST = func.max(func.length(_n.content), LEAST)


class PadSize(NamedTuple):
    """How much there is in a pad."""

    notes: int
    characters: int


def _mine() -> ColumnElement[bool]:
    return _d.tenant == bindparam("tenant", type_=Integer())


@cache
def pad_row() -> Prepared:
    """Key, newest note and how many were dropped, of the pad of a `session`."""
    where = (_mine(), _d.session == bindparam("session", type_=Text()))
    return prepare(select(_d.key, _d.newest, _d.dropped).where(*where))


@cache
def listed() -> Prepared:
    """The notes of a `pad`, oldest first, each with the last decision about it."""
    any_of = promotions.alias()
    latest = select(func.max(any_of.c.key)).where(any_of.c.note == _n.seq)
    statement = select(
        *(_n.id, _n.section, _n.content, _n.namespace, _n.agent, _n.importance, _n.outcome, _n.at),
        *(_n.uses, _n.memory, _q.verdict, _q.score, _q.scores, _q.reason, _q.near, _q.occasion),
    )
    statement = statement.select_from(notes).outerjoin(
        promotions, _q.key == latest.correlate(notes).scalar_subquery()
    )
    return prepare(statement.where(_n.pad == bindparam("pad", type_=Integer())).order_by(_n.seq))


def note_of(cells: Sequence[Any]) -> Note:
    """The note in a row of `listed`."""
    name, section, content, namespace, agent, importance, outcome, at, uses, memory, *last = cells
    verdict, score, scores, reason, near, occasion = last
    decision = None
    if verdict is not None:
        decision = Decision(
            verdict=verdict,
            score=score,
            scores=scores,
            reason=reason,
            near=near,
            occasion=occasion,
        )
    return Note(
        id=name,
        section=Section(section),
        content=content,
        namespace=namespace,
        agent=agent,
        importance=importance,
        outcome=None if outcome is None else NoteOutcome(outcome),
        at=at,
        uses=uses,
        memory=memory,
        decision=decision,
    )


@cache
def sessions() -> Prepared:
    """Sessions with a scratchpad that start with `prefix`, last written first, up to `limit`."""
    prefix = bindparam("prefix", type_=Text())
    begins = func.substr(_d.session, 1, func.length(prefix)) == prefix
    order = (_d.written_at.desc(), _d.key.desc())
    statement = select(_d.session).where(_mine(), begins).order_by(*order)
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


@cache
def due() -> Prepared:
    """Sessions that have ended, or were last written at `idle` or before, and are not settled."""
    over = _d.ended | (_d.written_at <= bindparam("idle", type_=_d.written_at.type))
    return prepare(select(_d.session).where(_mine(), ~_d.settled, over).order_by(_d.written_at))


@cache
def first_due() -> Prepared:
    """When the first of the sessions that are not settled was last written; NULL if none is."""
    return prepare(select(func.min(_d.written_at)).where(_mine(), ~_d.settled))


def size_of(connection: Connection, pad: int) -> PadSize:
    """How much there is in a pad now."""
    counted = select(func.count(), func.coalesce(func.sum(_COST), 0)).where(_n.pad == pad)
    return PadSize(*connection.execute(counted).one())


def pad_of(connection: Connection, tenant: int, session: str, now: datetime) -> int:
    """The pad of a session, which is made where there is none."""
    row = {"tenant": tenant, "session": session, "newest": 0, "dropped": 0}
    row |= {"written_at": now, "ended": False, "settled": False}
    connection.execute(insert(pads).values(row).on_conflict_do_nothing())
    where = (_d.tenant == tenant, _d.session == session)
    return connection.execute(select(_d.key).where(*where)).scalar_one()


def add_note(
    connection: Connection, tenant: int, pad: int, name: str, new: NewNote, now: datetime
) -> None:
    """Write a note into a pad, whose session goes on with it."""
    row = {
        "tenant": tenant,
        "pad": pad,
        "id": name,
        "section": new.section.value,
        "content": new.content,
        "namespace": new.namespace,
        "agent": new.agent,
        "importance": new.importance,
        "outcome": None if new.outcome is None else new.outcome.value,
        "at": now,
        "uses": new.uses,
    }
    seq = connection.execute(insert(notes).values(row).returning(_n.seq)).scalar_one()
    cells = {"written_at": now, "newest": seq, "ended": False, "settled": False}
    connection.execute(update(pads).where(_d.key == pad).values(cells))


def spare(connection: Connection, pad: int, least: int, wanted: int) -> bool:
    """Let the oldest notes that were decided on go until `wanted` characters are free that were not.
    Where not even `least` would be, nothing is done."""
    decided = exists().where(_q.note == _n.seq)
    statement = select(_n.seq, _COST).where(_n.pad == pad, decided).order_by(_n.seq)
    freed, gone = 0, list[int]()
    for seq, cost in connection.execute(statement):
        if freed >= wanted:
            break
        freed += cost
        gone.append(seq)
    if freed < least:
        return False
    connection.execute(delete(notes).where(one_of(_n.seq, gone)))
    connection.execute(update(pads).where(_d.key == pad).values(dropped=_d.dropped + len(gone)))
    return True


def record(
    connection: Connection,
    tenant: int,
    seqs: Mapping[str, int],
    decisions: Mapping[str, Decision],
    links: Mapping[str, str],
    now: datetime,
) -> None:
    """Note what was decided of notes, by their ids, and what they were promoted to."""
    rows = [
        {
            "tenant": tenant,
            "note": seqs[name],
            "at": now,
            "occasion": one.occasion,
            "verdict": one.verdict,
            "score": one.score,
            "scores": dict(one.scores),
            "reason": one.reason,
            "near": one.near,
        }
        for name, one in decisions.items()
        if name in seqs
    ]
    if rows:
        connection.execute(insert(promotions), rows)
    whose: dict[str, list[int]] = {}
    for name, memory in links.items():
        if name in seqs:
            whose.setdefault(memory, []).append(seqs[name])
    for memory, linked in whose.items():
        connection.execute(update(notes).where(one_of(_n.seq, linked)).values(memory=memory))


def remove_empty(connection: Connection, tenant: int) -> None:
    """Remove the pads that have no notes."""
    written = exists().where(_n.pad == _d.key)
    connection.execute(delete(pads).where(_d.tenant == tenant, ~written))
