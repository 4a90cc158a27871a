"""What is done behind the answers: uses are recorded, sessions that are over are promoted from, the hot
tier is chosen anew, what leaves the warm one is moved, a new model's vectors are made, and what was
deleted long enough ago is erased.

One task does all of it, one room at a time. Nothing that was remembered depends on it: a crash loses
at most a second of use counts.
"""

import math
from datetime import timedelta

import anyio
import anyio.lowlevel
import structlog

from ..errors import LociError
from ..model import Filters
from ..tasks import uninterrupted
from .about import look_through
from .passages import make_passages
from .promote import promote_ended
from .reflect import reflect, retain
from .room import Room
from .tiering import keep_warm

__all__ = ["Tending", "embed_backlog", "read_backlog", "tend"]

_LINGER = 1.0
"""Seconds in which changes gather before a room is tended."""
_BATCH = 64
_LOOK_SHARE = 100
"""Times as long as a look for what has no vectors took, until the next: it goes over all memories."""
_LOOK_AFTER = 60.0
"""Seconds, at the most."""
_RETAIN_EVERY = timedelta(hours=1)
_ERASE_EVERY = timedelta(hours=6)

_log = structlog.get_logger("loci.tending")


class Tending:
    """Rooms that want tending, and the task that does it."""

    __slots__ = ("_look_at", "_put_off", "_soiled", "_wake")

    def __init__(self) -> None:
        self._look_at: dict[Room, float] = {}
        """When to look for a room's backlog again, by the loop's clock."""
        self._put_off: dict[Room, float] = {}
        """Looks that are wanted, and when they may be."""
        self._soiled: dict[Room, None] = {}
        self._wake = anyio.Event()

    def soil(self, room: Room) -> None:
        """Have a room tended soon."""
        self._soiled[room] = None
        self._wake.set()

    def leave(self, room: Room) -> None:
        """Tend a room no more."""
        for held in (self._soiled, self._put_off, self._look_at):
            held.pop(room, None)

    async def run(self) -> None:
        """Tend for ever. A room that cannot be tended now is tended at its next change."""
        while True:
            await self._sleep()
            rooms, self._soiled = list(self._soiled), {}
            for room in rooms:
                try:
                    await tend(room)
                    await self._look(room)
                    await self._wait_for_sessions(room)
                except LociError as error:
                    _log.warning("tending failed", error=str(error))
                except Exception:  # noqa: BLE001 - logged whole; the answers must go on
                    _log.exception("tending failed")

    async def _sleep(self) -> None:
        """Until something changed, or a look that was put off may be."""
        with anyio.CancelScope(deadline=min(self._put_off.values(), default=math.inf)):
            await self._wake.wait()
            await anyio.sleep(_LINGER)
        self._wake = anyio.Event()
        now = anyio.current_time()
        for room in [room for room, due in self._put_off.items() if due <= now]:
            del self._put_off[room]
            self._soiled[room] = None

    async def _wait_for_sessions(self, room: Room) -> None:
        """Have a room tended when the next of its sessions may be over."""
        if (left := await room.pads.next_due()) is not None:
            seconds = left.total_seconds()
            # One that is over already could not be decided on just now.
            due = anyio.current_time() + (seconds if seconds > 0 else _LOOK_AFTER)
            self._put_off[room] = min(due, self._put_off.get(room, due))

    async def _look(self, room: Room) -> None:
        began = anyio.current_time()
        if began < self._look_at.get(room, began):
            self._put_off[room] = self._look_at[room]
            return
        await embed_backlog(room)
        await read_backlog(room)
        ended = anyio.current_time()
        self._look_at[room] = ended + min(_LOOK_AFTER, (ended - began) * _LOOK_SHARE)


async def tend(room: Room) -> None:
    """Leave a room tidy, its backlog aside."""
    await uninterrupted(room.record_uses())
    await room.pads.record_uses()
    await promote_ended(room)
    await _drop_old_notes(room)
    await room.choose_hot()
    await keep_warm(room)
    await _retain(room)
    await _reflect(room)
    await _erase_due(room)
    # Last: what else is tended does not depend on it.
    await room.ledger.words.renew()


async def _retain(room: Room) -> None:
    """Once in an hour, and again at once while there is more than one cycle may do."""
    now, last = room.clock(), room.retained_at
    if not room.limits.retention.rules or (last is not None and now - last < _RETAIN_EVERY):
        return
    while (await retain(room)).left:
        await anyio.lowlevel.checkpoint()
    room.retained_at = now


async def _reflect(room: Room) -> None:
    every, now = room.limits.reflect_every, room.clock()
    if every is None or (room.reflected_at is not None and now - room.reflected_at < every):
        return
    await reflect(room, unasked=True)
    room.reflected_at = now


async def embed_backlog(room: Room) -> None:
    """Make the vectors that the model in use has not made: after a change of model, all of them.
    Until then those memories are found by their words."""
    while rows := await room.ledger.backlog(_BATCH):
        contents = [row.memory.content for row in rows]
        passages = await make_passages(room.ledger, room.embedder, contents)
        pairs = [(row.seq, found) for row, found in zip(rows, passages, strict=True)]
        with anyio.CancelScope(shield=True):
            await room.derived(await room.ledger.add_passages(pairs))


async def _drop_old_notes(room: Room) -> None:
    with anyio.CancelScope(shield=True):
        for session in await room.pads.drop_old():
            await room.noted(session)


async def read_backlog(room: Room) -> None:
    """Look through what nobody has looked through: what was remembered before there were entities. One
    memory at a time, so that what is remembered meanwhile does not wait."""
    sight = room.sight(Filters(include_superseded=True))
    while seqs := await room.ledger.about.unread(_BATCH):
        rows = await room.ledger.by_seq(seqs, sight)
        if not rows:
            return
        with anyio.CancelScope(shield=True):
            await look_through(room, [row.memory for _, row in sorted(rows.items())])


async def _erase_due(room: Room) -> None:
    now = room.clock()
    if room.erased_at is not None and now - room.erased_at < _ERASE_EVERY:
        return
    room.erased_at = now
    if ids := await room.ledger.erasure.due(now):
        with anyio.CancelScope(shield=True):
            erasure = await room.ledger.erasure.erase(ids, due=now)
            await room.committed(erasure.delta, erasure.ids, erasure.sessions)
            await room.blackboard.touched(erasure.boards)
            for left in await room.erased(erasure.delta):
                _log.error("an erased memory may have left a trace", where=left)
            await room.ledger.erasure.residue(erasure)
