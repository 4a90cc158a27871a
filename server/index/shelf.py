"""Which collections are open: as many as there are descriptors for, the least used give way."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from .collections import Collection
from .places import Address, Place

__all__ = ["Shelf"]


@dataclass(slots=True, eq=False)
class _Entry:
    """A place that is open, or is being opened or closed."""

    collection: Collection | None = None
    users: int = 1
    doubtful: bool = False
    """An operation failed: what Chroma holds in memory is not to be trusted."""


class Shelf:
    """Open collections by their place. May be used from many threads."""

    __slots__ = ("_announced", "_bound", "_changed", "_entries", "_open")

    def __init__(self, open_: Callable[[Address, bool], Collection], bound: int) -> None:
        self._open = open_
        self._bound = bound
        self._entries: OrderedDict[Place, _Entry] = OrderedDict()
        self._announced: Counter[Place] = Counter()
        self._changed = threading.Condition()

    def announce(self, place: Place) -> None:
        """A question has come that will be worked on later: a close waits for it."""
        with self._changed:
            self._announced[place] += 1

    def done(self, place: Place) -> None:
        """What was announced is over."""
        with self._changed:
            self._announced[place] -= 1
            self._changed.notify_all()

    @contextmanager
    def lent(
        self, address: Address, opening: Callable[[], None], *, create: bool = False
    ) -> Generator[Collection]:
        """The collection at an address, opened if need be; `opening` is called before that. While it
        is lent it stays open; afterwards it may be closed for others."""
        entry, collection = self._taken(address.place)
        try:
            if collection is None:
                opening()
                collection = entry.collection = self._open(address, create)
                with self._changed:
                    self._changed.notify_all()
            yield collection
        except BaseException:
            entry.doubtful = True
            raise
        finally:
            self._give_back(address.place, entry)

    def close(self, place: Place) -> None:
        """Close a collection once nobody uses it any more; one that is not open is passed over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._announced[place])
            del self._announced[place]
            self._drop(place)

    def _taken(self, place: Place) -> tuple[_Entry, Collection | None]:
        """The entry of a place, and the collection unless the caller has to open it."""
        with self._changed:
            while True:
                entry = self._entries.get(place)
                if entry is None:
                    if self._room():
                        return self._entries.setdefault(place, _Entry()), None
                elif entry.collection is not None and not entry.doubtful:
                    entry.users += 1
                    self._entries.move_to_end(place)
                    return entry, entry.collection
                self._changed.wait()

    def _room(self) -> bool:
        """Whether one more can be opened; makes room if something lies idle."""
        if len(self._entries) >= self._bound:
            idle = [place for place, entry in self._entries.items() if not entry.users]
            if not idle:
                return False
            self._drop(idle[0])
        return True

    def _give_back(self, place: Place, entry: _Entry) -> None:
        with self._changed:
            entry.users -= 1
            if entry.doubtful and not entry.users:
                self._drop(place)
            self._changed.notify_all()

    def _drop(self, place: Place) -> None:
        with suppress(KeyError):
            collection = self._entries.pop(place).collection
            if collection is not None:
                collection.close()
