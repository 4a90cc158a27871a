"""forget: archive, delete with a time to restore, erase with a proof; and restore."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from ..ledger import Sight
from ..model import Filters, ForgetMode, Forgotten, Residue, Selection
from ..tasks import uninterrupted
from .check import check_ids, check_selection
from .room import Room

__all__ = ["confirmation", "forget", "restore", "select"]


async def select(room: Room, selection: Selection) -> list[str]:
    """The ids of what a selection means, superseded and expired ones too, oldest first.

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
    return [row.memory.id for _, row in sorted(rows.items())]


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
    check_ids(ids)
    ids = tuple(dict.fromkeys(ids))
    match mode:
        case ForgetMode.ARCHIVE:
            return await uninterrupted(_archive(room, ids))
        case ForgetMode.DELETE:
            return await uninterrupted(_delete(room, ids))
        case ForgetMode.ERASE:
            return await uninterrupted(_erase(room, ids))
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


async def _erase(room: Room, ids: tuple[str, ...]) -> Forgotten:
    erasure = await room.ledger.erase(ids)
    # Before the scan, which takes its time: nothing derived may show the text meanwhile.
    await room.committed(erasure.delta, erasure.ids)
    left = await room.erased(erasure.delta)
    residue = await room.ledger.residue(erasure)
    residue = Residue(scanned=(*residue.scanned, "vector index"), found=(*residue.found, *left))
    return Forgotten(mode=ForgetMode.ERASE, ids=erasure.ids, residue=residue)


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
