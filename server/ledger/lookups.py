"""Which tokens there are, asked for many requests at once.

Each request of the network door asks anew, those too that are refused for being too many. Whoever comes
while a question is under way waits for the next one, which asks for all of them: so a flood takes one
reader, and not the answers' readers, and nobody is told what was true before they asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

__all__ = ["Lookups"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Round(Generic[T]):
    """One question."""

    names: set[str] = field(default_factory=set[str])
    found: Mapping[str, T] | None = None


class Lookups(Generic[T]):
    """Looks names up, one question at a time."""

    __slots__ = ("_look", "_next", "_turn")

    def __init__(self, look: Callable[[set[str]], Awaitable[Mapping[str, T]]]) -> None:
        self._look = look
        self._next = _Round[T]()
        self._turn = anyio.Lock()

    async def __call__(self, name: str) -> T | None:
        """What has this name now. Raises what looking raises."""
        mine = self._next
        mine.names.add(name)
        async with self._turn:
            # Whoever was to ask may have been cancelled, or failed: then the next one does.
            if mine.found is None:
                if mine is self._next:
                    self._next = _Round[T]()
                mine.found = await self._look(mine.names)
        return mine.found.get(name)
