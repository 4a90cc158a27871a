"""What the ranking must know of each memory, in columns: who said it, when, between which others of its
session, and what it shows at a glance. Some 45 bytes each, so that no row is read to rank one.

A version's traits never change, so they are only ever added; one that is replaced or forgotten leaves
its place between the others of its session, and takes it again when it is restored.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .signs import signs_of

__all__ = ["NOBODY", "Row", "Traits"]

NOBODY = -1
_ROOM = 64


class Row(NamedTuple):
    """A version as the ledger has it."""

    seq: int
    speaker: str | None
    session: str | None
    at: int
    """When it was said or happened, in microseconds since 1970."""
    content: str


class Traits:
    """The traits of one tenant's versions. Places are positions in the columns."""

    __slots__ = (
        "_count",
        "_last",
        "_sessions",
        "at",
        "current",
        "extent",
        "next",
        "prev",
        "seqs",
        "session",
        "signs",
        "speaker",
        "speakers",
    )

    def __init__(self) -> None:
        self._count = 0
        self.extent = (0, 0)
        """The first and the last time of all."""
        self.speakers: dict[str, int] = {}
        """Their numbers, by name."""
        self._sessions: dict[str, int] = {}
        self._last: dict[int, int] = {}
        """The last place of each session."""
        self.seqs = np.empty(0, np.int64)
        self.speaker = np.empty(0, np.int32)
        self.session = np.empty(0, np.int32)
        self.at = np.empty(0, np.int64)
        self.signs = np.empty(0, np.uint8)
        self.current = np.empty(0, np.bool_)
        """Neither replaced nor forgotten."""
        self.prev = np.empty(0, np.int32)
        self.next = np.empty(0, np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        columns = (self.seqs, self.speaker, self.session, self.at, self.signs, self.current)
        return sum(column.nbytes for column in (*columns, self.prev, self.next))

    @property
    def memories(self) -> int:
        """How many of the versions are current."""
        return int(np.count_nonzero(self.current[: self._count]))

    def __len__(self) -> int:
        return self._count

    def places(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each seq; -1 where its traits are not known."""
        if not self._count:
            return np.full(len(seqs), -1, np.int64)
        found = np.searchsorted(self.seqs[: self._count], seqs)
        found[found == self._count] = 0
        return np.where(self.seqs[found] == seqs, found, -1)

    def missing(self, seqs: Iterable[int]) -> list[int]:
        """Those of the seqs whose traits are not known."""
        wanted = np.fromiter(seqs, np.int64)
        return wanted[self.places(wanted) < 0].tolist()

    def not_current(self, seqs: Iterable[int]) -> list[int]:
        """Those of the seqs that are not known, or were replaced or forgotten."""
        wanted = np.fromiter(seqs, np.int64)
        if not self._count:
            return wanted.tolist()
        places = self.places(wanted)
        return wanted[(places < 0) | ~self.current[places]].tolist()

    def beside(self, seqs: NDArray[np.int64]) -> list[int]:
        """The seqs before and after each in its session."""
        places = self.places(seqs)
        places = places[places >= 0]
        found = np.concatenate([self.prev[places], self.next[places]])
        return self.seqs[found[found >= 0]].tolist()

    def add(self, rows: Sequence[Row], *, current: bool = True) -> None:
        """Take in versions of which none is current yet (`not_current`), in any order. Those that are not
        current stand in no session, until they are added as current."""
        rows = sorted(rows)
        if not rows:
            return
        seqs = np.array([row.seq for row in rows], np.int64)
        times = [row.at for row in rows] + (list(self.extent) if self._count else [])
        self.extent = min(times), max(times)
        self._make_places(seqs[self.places(seqs) < 0])
        for place, row in zip(self.places(seqs).tolist(), rows, strict=True):
            self._put(place, row)
            if current:
                self.current[place] = True
                self._link(place)

    def remove(self, seqs: Sequence[int]) -> None:
        """Take versions out from between the others of their sessions."""
        for place in self.places(np.array(seqs, np.int64)).tolist():
            if place >= 0 and self.current[place]:
                self.current[place] = False
                self._unlink(place)

    def _put(self, place: int, row: Row) -> None:
        self.speaker[place] = _number(self.speakers, row.speaker)
        self.session[place] = _number(self._sessions, row.session)
        self.at[place] = row.at
        self.signs[place] = signs_of(row.content)
        self.current[place] = False
        self.prev[place] = self.next[place] = -1

    def _link(self, place: int) -> None:
        """Between its neighbours; usually it is the last of its session."""
        session = int(self.session[place])
        if session == NOBODY:
            return
        after, before = -1, self._last.get(session, -1)
        key = (self.at[place], place)
        while before >= 0 and (self.at[before], before) > key:
            after, before = before, int(self.prev[before])
        self._join(before, place)
        self._join(place, after)
        if after < 0:
            self._last[session] = place

    def _unlink(self, place: int) -> None:
        session, before = int(self.session[place]), int(self.prev[place])
        if session == NOBODY:
            return
        self._join(before, int(self.next[place]))
        if self._last.get(session) == place:
            self._last[session] = before
        self.session[place] = NOBODY
        self.prev[place] = self.next[place] = -1

    def _join(self, before: int, after: int) -> None:
        if before >= 0:
            self.next[before] = after
        if after >= 0:
            self.prev[after] = before

    def _make_places(self, seqs: NDArray[np.int64]) -> None:
        """A place for each of the seqs, which are new and in order."""
        if not len(seqs):
            return
        if self._count and seqs[0] < self.seqs[self._count - 1]:
            self._make_way(seqs)
            return
        self._reserve(len(seqs))
        self.seqs[self._count : self._count + len(seqs)] = seqs
        self._count += len(seqs)

    def _reserve(self, more: int) -> None:
        room = self._count + more
        if room > len(self.seqs):
            room = max(room, len(self.seqs) * 3 // 2, _ROOM)
            self._move(np.arange(self._count), room)

    def _make_way(self, seqs: NDArray[np.int64]) -> None:
        """Spread the columns so that there is a place for each of the seqs, in order."""
        old = self.seqs[: self._count]
        target = np.arange(self._count) + np.searchsorted(seqs, old)
        self._move(target, self._count + len(seqs))
        free = np.setdiff1d(np.arange(self._count + len(seqs)), target, assume_unique=True)
        self.seqs[free] = seqs
        self._count += len(seqs)

    def _move(self, target: NDArray[np.int64], room: int) -> None:
        """Copy what is at each place to its target place, in columns of so much room."""
        count = self._count
        for name in ("seqs", "speaker", "session", "at", "signs", "current"):
            column = getattr(self, name)
            moved = np.zeros(room, column.dtype)
            moved[target] = column[:count]
            setattr(self, name, moved)
        renumbered = np.append(target, -1).astype(np.int32)
        for name in ("prev", "next"):
            moved = np.full(room, -1, np.int32)
            moved[target] = renumbered[getattr(self, name)[:count]]
            setattr(self, name, moved)
        self._last = {session: int(renumbered[place]) for session, place in self._last.items()}


def _number(numbers: dict[str, int], name: str | None) -> int:
    return NOBODY if not name else numbers.setdefault(name, len(numbers))
