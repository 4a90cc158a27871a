"""A tenant's scratchpads: written, read, ended, and let go when they are old.

A session goes on until the connection that wrote it is closed, or it has not been written for a
while; a note begins it again. Then what proves worth keeping is promoted, by the engine, for it is
remembered.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio

from ..ledger import KeptPad, PadLedger
from ..model import NewNote, Noted, Pad, Section
from .scratchpad_reading import fit_pad

__all__ = ["PadLimits", "Scratchpads"]

_EVERY = timedelta(hours=1)
"""How often to look for what is old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PadLimits:
    """How large and how old a scratchpad can be; the defaults are those of the settings."""

    characters: int = 100_000
    """A note counts for 200 at least."""
    days: int = 30
    """After which a note is let go that was decided on."""
    idle: timedelta = timedelta(minutes=30)
    """After which a session that nobody writes has ended."""


class Scratchpads:
    """The working memory of a tenant's sessions."""

    __slots__ = ("_clock", "_dropped_at", "_ledger", "_limits", "_read", "_recording")

    def __init__(self, ledger: PadLedger, limits: PadLimits, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self._read: Counter[str] = Counter()
        """Reads that are still to be recorded, by note."""
        self._recording = anyio.Lock()
        """Meanwhile nobody can say how often a note was read."""
        self._dropped_at: datetime | None = None

    async def write(self, new: NewNote, *, making_room: bool) -> Noted | None:
        """Write a note. None: the scratchpad is full, and nothing was done.

        Making room lets the oldest notes go, of those that were decided on.
        """
        most = self._limits.characters
        done = await self._ledger.write(new, self._clock(), most, making_room=making_room)
        if done is None:
            return None
        name, size = done
        return Noted(id=name, notes=size.notes, characters=size.characters, limit=most)

    async def read(
        self, session: str, section: Section | None, budget: int, count: Callable[[str], int]
    ) -> Pad:
        """The newest notes of a session that fit into so many tokens. They count as used."""
        kept = await self._ledger.read(session)
        notes = [note for note in kept.notes if section is None or note.section is section]
        pad = fit_pad(session, notes, kept.dropped, budget, count)
        self._read.update(note.id for note in pad.notes)
        return pad

    async def all_of(self, session: str) -> KeptPad:
        """All notes of a session, with the reads that are not recorded yet."""
        async with self._recording:
            kept = await self._ledger.read(session)
            notes = [replace(note, uses=note.uses + self._read[note.id]) for note in kept.notes]
        return kept._replace(notes=tuple(notes))

    async def sessions(self, prefix: str, limit: int) -> list[str]:
        """Sessions that start so and have notes, last written first."""
        return await self._ledger.sessions(prefix, limit)

    async def end(self, sessions: Sequence[str]) -> None:
        """These sessions are over."""
        await self._ledger.end(sessions)

    async def due(self) -> list[str]:
        """Sessions that are over and not decided on."""
        return await self._ledger.due(self._clock() - self._limits.idle)

    async def next_due(self) -> timedelta | None:
        """How long until the next session that goes on now may be over; None if none goes on."""
        first = await self._ledger.first_due()
        return None if first is None else first + self._limits.idle - self._clock()

    async def drop_old(self) -> list[str]:
        """Let old notes go, if that was not just done. Returns the sessions whose they were."""
        now = self._clock()
        if self._dropped_at is not None and now - self._dropped_at < _EVERY:
            return []
        self._dropped_at = now
        return await self._ledger.drop_old(now - timedelta(days=self._limits.days))

    async def record_uses(self) -> None:
        """Write the noted reads down. What fails is noted again."""
        async with self._recording:
            read, self._read = self._read, Counter()
            if not read:
                return
            try:
                await self._ledger.used(read)
            except BaseException:
                self._read.update(read)
                raise
