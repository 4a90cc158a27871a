"""Moving memories to the cold tier by rule, and compressing what is there. The rules are in
ARCHITECTURE.md, "Tiers"; which memories they mean is computed in `tiers`."""

from collections.abc import Callable, Sequence

import anyio
from anyio import to_thread

from ..tiers import Held, Size, leaving
from .room import Room

__all__ = ["keep_warm"]

_COUNTED = 500
_MOVED = 500
"""Memories in one transaction."""


async def keep_warm(room: Room) -> None:
    """Have those leave the warm tier that the rules name, and compress what is cold."""
    if room.limits.warmth.moves:
        await _count_tokens(room)
        if await _is_due(room):
            await _move(room, await _leaving(room))
    await room.ledger.tiers.pack()


async def _count_tokens(room: Room) -> None:
    """Of those whose tokens nobody has counted yet, where a budget is in tokens."""
    if room.limits.warmth.budget.tokens is None:
        return
    await room.counter.load()
    while rows := await room.ledger.tiers.uncounted(_COUNTED):
        await room.ledger.tiers.count_tokens(
            await to_thread.run_sync(_counted, rows, room.counter.count)
        )


def _counted(rows: Sequence[tuple[int, str]], count: Callable[[str], int]) -> dict[int, int]:
    return {seq: count(text) for seq, text in rows}


async def _is_due(room: Room) -> bool:
    """Whether anybody may have to leave: reading all that is held takes its time."""
    warmth, size = room.limits.warmth, await room.ledger.tiers.size()
    if size.used_at is None:
        return False
    idle = warmth.cold_after is not None and room.clock() - size.used_at > warmth.cold_after
    return idle or not warmth.budget.holds(Size(size.memories, size.bytes, size.tokens))


async def _leaving(room: Room) -> list[Held]:
    hot = (await room.choose_hot()).seqs
    held: list[Held] = []
    async for rows in room.ledger.tiers.held():
        held += [Held(*row) for row in rows]
    return await to_thread.run_sync(leaving, held, hot, room.limits.warmth, room.clock())


async def _move(room: Room, gone: Sequence[Held]) -> None:
    for start in range(0, len(gone), _MOVED):
        seen = {one.seq: one.used_at for one in gone[start : start + _MOVED]}
        with anyio.CancelScope(shield=True):
            moved = await room.ledger.tiers.chill(seen)
            if moved.ids:
                await room.committed(moved.delta, moved.ids)
