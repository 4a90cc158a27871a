"""forget: archive, delete with a time to restore, erase with a proof; and restore."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from ..errors import InvalidInput, NotFound
from ..ledger import Sight
from ..model import Filters, ForgetMode, Forgotten, Selection, is_note_id
from ..tasks import uninterrupted
from .check import check_ids, check_selection
from .room import Room

__all__ = ["confirmation", "forget", "restore", "select"]


async def select(room: Room, selection: Selection, mode: ForgetMode) -> list[str]:
    """The ids of what a selection means, superseded and expired ones too, oldest first. What is to be
    erased of a session includes the notes of its scratchpad, which have neither tags nor entities.

    Raises:
        InvalidInput: it selects by nothing.
    """
    check_selection(selection)
    filters = Filters(
        tags=selection.tags,
        namespace=selection.namespace,
        entity=selection.entity,
        session=selection.session,
        until=selection.before,
        include_superseded=True,
    )
    sight = Sight(filters=filters, now=room.clock())
    rows = await room.ledger.by_seq(await room.ledger.seqs(sight), sight)
    found = [row.memory.id for _, row in sorted(rows.items())]
    if mode is ForgetMode.ERASE and selection.session is not None:
        narrowed = bool(selection.tags) or selection.entity is not None
        found += [] if narrowed else await _notes(room, selection.session, selection)
    return found


async def _notes(room: Room, session: str, selection: Selection) -> list[str]:
    return await room.ledger.pads.selected(session, selection.namespace, selection.before)


def confirmation(ids: Sequence[str], mode: ForgetMode) -> str:
    """What a caller repeats to show that it has seen what would be forgotten: these ids so, and no
    others. It guards against mistakes and not against anybody."""
    return hashlib.sha256(" ".join([mode, *sorted(ids)]).encode()).hexdigest()[:8]


async def forget(room: Room, ids: Sequence[str], mode: ForgetMode) -> Forgotten:
    """Forget memories, all or none.

    Raises:
        NotFound: an id names no memory of this tenant; nothing was forgotten.
        StoreError: it could not be done, or not be proved.
    """
    ids = tuple(dict.fromkeys(ids))
    notes = tuple(one for one in ids if is_note_id(one))
    if notes and mode is not ForgetMode.ERASE:
        raise InvalidInput(f"ids: {notes[0]} is a note, which can only be erased: mode erase.")
    if notes:
        return await uninterrupted(_erase_with_notes(room, ids, notes))
    check_ids(ids)
    match mode:
        case ForgetMode.ARCHIVE:
            return await uninterrupted(_archive(room, ids))
        case ForgetMode.DELETE:
            return await uninterrupted(_delete(room, ids))
        case ForgetMode.ERASE:
            return await uninterrupted(_erase(room, ids, ()))
        case _:
            assert_never(mode)


async def _archive(room: Room, ids: tuple[str, ...]) -> Forgotten:
    await room.committed(await room.ledger.archive(ids), ids)
    return Forgotten(mode=ForgetMode.ARCHIVE, ids=ids)


async def _delete(room: Room, ids: tuple[str, ...]) -> Forgotten:
    now = room.clock()
    until = now + timedelta(days=room.limits.restore_days)
    moved = await room.ledger.mark_deleted(ids, now, until)
    ids = moved.ids
    await room.committed(moved.delta, ids)
    return Forgotten(mode=ForgetMode.DELETE, ids=ids, restorable_until=until)


async def _erase_with_notes(room: Room, ids: tuple[str, ...], notes: tuple[str, ...]) -> Forgotten:
    there = await room.ledger.pads.existing(notes)
    missing = [one for one in notes if one not in there]
    if missing:
        raise NotFound(f"No note {', '.join(missing[:5])}. Ids come from scratchpad_read.")
    others = tuple(one for one in ids if one not in there)
    if others:
        check_ids(others)
    return await _erase(room, others, notes)


async def _erase(room: Room, ids: tuple[str, ...], notes: tuple[str, ...]) -> Forgotten:
    erasure = await room.ledger.erasure.erase(ids, now=room.clock(), notes=notes)
    # Before the scan, which takes its time: nothing derived may show the text meanwhile.
    await room.committed(erasure.delta, erasure.ids, erasure.sessions)
    await room.blackboard.touched(erasure.boards)
    left = await room.erased(erasure.delta)
    residue = (await room.ledger.erasure.residue(erasure)).with_index(left)
    return Forgotten(mode=ForgetMode.ERASE, ids=erasure.ids, notes=erasure.notes, residue=residue)


async def restore(room: Room, ids: Sequence[str]) -> tuple[str, ...]:
    """Bring deleted or archived memories back to the warm tier, all or none.

    Raises:
        NotFound: an id is unknown, or was erased; nothing was restored.
    """
    check_ids(ids)
    ids = tuple(dict.fromkeys(ids))
    await uninterrupted(_restore(room, ids))
    return ids


async def _restore(room: Room, ids: tuple[str, ...]) -> None:
    await room.committed(await room.ledger.restore(ids), ids)
