"""promote: from a scratchpad into memory, by score or on demand; and note, which fills the scratchpad.

A note becomes a memory on the ordinary way, and the transaction that stores the memory also says so
in the scratchpad: whatever dies when, a note is promoted once. Deciding again over the same notes
decides the same, and records nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import numpy as np
import structlog
from anyio import to_thread
from numpy.typing import NDArray

from ..errors import InvalidInput, LociError, NotFound
from ..ledger import Decided, KeptPad, Overtaken
from ..model import (
    SIGNALS,
    Decision,
    Draft,
    Kind,
    NewNote,
    Note,
    Noted,
    Occasion,
    Promotion,
    Section,
)
from ..tasks import uninterrupted
from ..workspace.promotion import Evidence, Known, decide, is_open
from .check import check_draft, check_note, check_notes, check_session
from .passages import make_passages
from .redaction import guarded, guarded_note
from .remember import remember
from .room import Room

__all__ = ["note", "promote", "promote_ended"]

_KINDS = {
    Section.OBSERVATION: Kind.SEMANTIC,
    Section.REASONING: Kind.SEMANTIC,
    Section.EXAMPLE: Kind.PROCEDURAL,
    Section.TRAJECTORY: Kind.EPISODIC,
}
_NEAREST = 3
_SAME = 0.005
"""Signals and scores that differ by less are the same."""
_NAMED = 20
"""Notes that a memory's provenance names."""

_log = structlog.get_logger("loci.promotion")


async def note(room: Room, new: NewNote) -> Noted:
    """Write a note. A scratchpad that is full is promoted from first, and lets its oldest notes go.

    Raises:
        InvalidInput: it cannot be written as it is.
        StoreError: it could not be kept.
    """
    check_note(new, room.limits)
    new, masked = guarded_note(new, room.limits.secrets)
    done = await room.pads.write(new, making_room=False)
    while done is None:
        with suppress(NotFound):  # it may have been erased meanwhile
            await _promote(room, new.session, (), "full")
        done = await room.pads.write(new, making_room=True)
    await room.noted(new.session)
    return replace(done, masked=masked)


async def promote(room: Room, session: str, ids: Sequence[str], *, dry_run: bool) -> Promotion:
    """Decide on a session's notes, or have those of the ids remembered, and say what became of each.

    Raises:
        InvalidInput: the session's name cannot be one.
        NotFound: the session has no notes, or not these.
        ModelError, StoreError: the model or the data directory fails.
    """
    check_session(session)
    check_notes(ids)
    if dry_run:
        kept = await _kept(room, session, ids)
        return _outcome(session, kept, await _decisions(room, kept, ids, "asked"), ids, dry=True)
    return await _promote(room, session, ids, "asked")


async def promote_ended(room: Room) -> None:
    """Decide on the notes of the sessions that are over. One that cannot be decided on now is tried
    again when the room is next tended."""
    for session in await room.pads.due():
        try:
            done = await _promote(room, session, (), "ended")
        except NotFound:
            continue  # it was erased meanwhile
        except LociError as error:
            _log.warning("a session's notes were not promoted", error=str(error))
            continue
        promoted = sum(one.verdict == "promoted" for one in done.decisions.values())
        _log.info("a session is over", notes=len(done.decisions), promoted=promoted)


async def _promote(room: Room, session: str, ids: Sequence[str], occasion: Occasion) -> Promotion:
    more = True
    while more:
        kept = await _kept(room, session, ids)
        decisions = await _decisions(room, kept, ids, occasion)
        with suppress(Overtaken):
            more = await _keep(room, session, kept, decisions, occasion)
    return _outcome(session, await _kept(room, session, ids), {}, ids, dry=False)


async def _kept(room: Room, session: str, ids: Sequence[str]) -> KeptPad:
    kept = await room.pads.all_of(session)
    if not kept.notes:
        raise NotFound(f"No notes of session {session[:40]!r}. Write some with scratchpad_write.")
    missing = set(ids) - {note.id for note in kept.notes}
    if missing:
        raise NotFound(f"No note {', '.join(sorted(missing)[:5])} in session {session[:40]!r}.")
    return kept


async def _decisions(
    room: Room, kept: KeptPad, ids: Sequence[str], occasion: Occasion
) -> dict[str, Decision]:
    """What becomes of the notes on which more can be decided; of the ids, where such are given."""
    if not any(is_open(note, ids) for note in kept.notes):
        return {}
    evidence = await _evidence(room, kept.notes)
    policy = room.limits.policy
    decisions = await to_thread.run_sync(lambda: decide(evidence, policy, ids, occasion))
    notes = {note.id: note for note in kept.notes}
    return {
        name: _standing(notes[name], _possible(room, notes[name], one))
        for name, one in decisions.items()
        if not ids or name in ids
    }


async def _evidence(room: Room, notes: Sequence[Note]) -> Evidence:
    passages = await make_passages(room.ledger, room.embedder, [note.content for note in notes])
    vectors = np.zeros((len(notes), room.embedder.dimension), np.float32)
    # Parts of long texts resemble parts of others without saying the same.
    short = [place for place, found in enumerate(passages) if len(found) == 1]
    for place in short:
        vectors[place] = passages[place][0].vector
    known: list[Sequence[Known]] = [() for _ in notes]
    for place, found in zip(short, await _known(room, vectors[short]), strict=True):
        known[place] = found
    return Evidence(
        notes=notes,
        cosines=await to_thread.run_sync(lambda: vectors @ vectors.T),
        known=known,
        near_from=room.limits.similar_from,
    )


async def _known(room: Room, vectors: NDArray[np.float32]) -> list[list[Known]]:
    """What is remembered and nearest to each."""
    if not len(vectors):
        return []
    nearest = await room.dense.nearest(vectors, _NEAREST)
    seen = {seq for one in nearest for seq in one}
    rows = await room.ledger.glimpse(seen, room.sight()) if seen else {}
    return [
        [Known(*rows[seq], cosine) for seq, cosine in one.items() if seq in rows] for one in nearest
    ]


def _possible(room: Room, note: Note, decision: Decision) -> Decision:
    """A limit may have been lowered since a note was written."""
    if decision.verdict == "promoted":
        try:
            draft = _draft(note, "", ())
            check_draft(draft, room.limits, room.clock())
            guarded(draft, room.limits.secrets)
        except InvalidInput as error:
            return replace(decision, verdict="left", reason=str(error))
    return decision


async def _keep(
    room: Room,
    session: str,
    kept: KeptPad,
    decisions: Mapping[str, Decision],
    occasion: Occasion,
) -> bool:
    """Store what is promoted and record what was decided. Returns whether there is more to store.

    Raises:
        Overtaken: the notes have changed; nothing was done.
    """
    notes = {note.id: note for note in kept.notes}
    promoted = [name for name, one in decisions.items() if one.verdict == "promoted"]
    chosen, later = promoted[: room.limits.max_batch], set(promoted[room.limits.max_batch :])
    same = {
        name: one.near
        for name, one in decisions.items()
        if one.near in chosen and one.verdict == "left"
    }
    decided = Decided(
        session=session,
        promoted=chosen,
        same=same,
        decisions={
            name: one
            for name, one in decisions.items()
            if one is not notes[name].decision and later.isdisjoint((name, one.near))
        },
        settles=kept.newest if occasion == "ended" and not later else None,
    )
    if chosen:
        await remember(room, [_draft(notes[n], session, _behind(n, same)) for n in chosen], decided)
    elif decided.decisions or decided.settles is not None:
        await uninterrupted(_record(room, decided, room.clock()))
    return bool(later)


async def _record(room: Room, decided: Decided, now: datetime) -> None:
    await room.ledger.pads.settle(decided, (), now)
    if decided.decisions:
        await room.noted(decided.session)


def _standing(note: Note, new: Decision) -> Decision:
    """The last decision, where the new one is the same: a vector that is kept is rounded, and what
    made somebody decide is no other decision."""
    last = note.decision
    if last is None or (last.verdict, last.near) != (new.verdict, new.near):
        return new
    moved = [abs(last.scores[name] - new.scores[name]) for name in SIGNALS]
    return last if max(moved) <= _SAME and abs(last.score - new.score) <= _SAME else new


def _behind(name: str, same: Mapping[str, str]) -> list[str]:
    """The notes that a memory stands for."""
    return [name, *(other for other, of in same.items() if of == name)]


def _draft(note: Note, session: str, behind: Sequence[str]) -> Draft:
    return Draft(
        content=note.content,
        kind=_KINDS[note.section],
        namespace=note.namespace,
        importance=note.importance,
        agent=note.agent,
        at=note.at,
        session=session or None,
        metadata={"notes": " ".join(behind[:_NAMED])},
    )


def _outcome(
    session: str,
    kept: KeptPad,
    decisions: Mapping[str, Decision],
    ids: Sequence[str],
    *,
    dry: bool,
) -> Promotion:
    """For each note the decision that was made now, or the one that stands."""
    notes = [note for note in kept.notes if not ids or note.id in ids]
    found = {note.id: decisions.get(note.id) or note.decision for note in notes}
    return Promotion(
        session=session,
        dry_run=dry,
        decisions={name: one for name, one in found.items() if one is not None},
        memories={note.id: note.memory for note in notes if note.memory is not None},
    )
