"""The generations of one tenant's index: searched, extended into the next one, discarded.

A generation never changes. It is searched through a copy of its own, and extended by making another
one of it. So whatever crashes, and whenever, the one that was in use is as good as before; and the
ledger, which knows the name of the one in use and what it does not hold yet, is never wrong about it.
"""

from typing import Protocol

from .protocol import VectorIndex

__all__ = ["Draft", "Generations", "Shelves"]


class Draft(VectorIndex, Protocol):
    """The next generation, while it is made. Closed without having been sealed, it is discarded."""

    async def seal(self, sequence: int) -> str:
        """Finish it; its name. `sequence` is the ledger's number up to which it was fed.

        Raises:
            IndexDamaged: it does not find what was put into it.
            IndexFailed: it cannot be written.
        """
        ...


class Generations(Protocol):
    """One tenant's generations. Names are never given twice."""

    async def open(self, name: str, sequence: int) -> VectorIndex:
        """A generation to be searched, after it was checked and has found its samples.

        Raises:
            IndexDamaged: it is missing, foreign, stale or was changed.
            IndexFailed: it cannot be opened.
        """
        ...

    async def extend(self, name: str, sequence: int) -> Draft:
        """The next generation, holding what this one holds. Raises as `open` does; also
        IndexDamaged where so much of it was deleted that it had better be built anew."""
        ...

    async def begin(self) -> Draft:
        """An empty next generation. Raises IndexFailed."""
        ...

    async def sweep(self, keep: str | None) -> None:
        """Remove every generation but one, and what crashes left. Raises IndexFailed."""
        ...


class Shelves(Protocol):
    """Where the generations of all tenants are."""

    def of(self, tenant: str, model: str, dimension: int) -> Generations:
        """A tenant's, under one embedding model."""
        ...
