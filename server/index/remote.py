"""Generations on a Chroma server (`chroma run`): a collection for each, in a database of Loci's own.

The server keeps its files itself, so nothing is sealed here: a collection is fed in place, and what
was fed twice after a crash is the same. Whether it holds what it should is told by its count. What a
crash leaves while a collection is built stays on the server.
"""

import hashlib
import secrets
from contextlib import suppress

import anyio

from ..errors import IndexFailed
from .chroma import ChromaIndex
from .generations import Draft, Generations
from .places import Remote
from .protocol import VectorIndex
from .worker import Worker

__all__ = ["RemoteShelves"]

_TENANT = "loci"


class RemoteShelves:
    """All tenants' collections in one database of a Chroma server (`Shelves`)."""

    __slots__ = ("_database", "_feeding", "_searching", "_url")

    def __init__(self, url: str, store: str, searching: Worker, feeding: Worker) -> None:
        """`store` tells this data directory from others that use the same server."""
        self._url = url
        self._database = f"store-{_digest(store)}"
        self._searching = searching
        self._feeding = feeding

    def of(self, tenant: str, model: str, dimension: int) -> Generations:
        prefix = _digest(f"{tenant}\n{model}")
        return _RemoteGenerations(self, prefix, dimension)

    async def opened(self, name: str, dimension: int, *, create: bool, feed: bool) -> ChromaIndex:
        """A collection. Raises IndexFailed, or IndexDamaged where it is missing."""
        worker = self._feeding if feed else self._searching
        place = Remote(self._url, _TENANT, self._database, name)
        return await ChromaIndex.open(worker, place, dimension, create=create)


class _RemoteGenerations:
    """One tenant's collections."""

    __slots__ = ("_dimension", "_known", "_prefix", "_shelves")

    def __init__(self, shelves: RemoteShelves, prefix: str, dimension: int) -> None:
        self._shelves = shelves
        self._prefix = prefix
        self._dimension = dimension
        self._known: set[str] = set()

    async def open(self, name: str, sequence: int) -> VectorIndex:
        del sequence  # the collection is fed in place: its count tells
        return _Searched(await self._opened(name, create=False, feed=False))

    async def extend(self, name: str, sequence: int) -> Draft:
        del sequence
        return _RemoteDraft(await self._opened(name, create=False, feed=True), name, fresh=False)

    async def begin(self) -> Draft:
        name = secrets.token_hex(8)
        return _RemoteDraft(await self._opened(name, create=True, feed=True), name, fresh=True)

    async def sweep(self, keep: str | None) -> None:
        for name in self._known - {keep}:
            index = await self._opened(name, create=True, feed=True)
            await index.drop()
            self._known.discard(name)

    async def _opened(self, name: str, *, create: bool, feed: bool) -> ChromaIndex:
        self._known.add(name)
        return await self._shelves.opened(
            f"{self._prefix}-{name}", self._dimension, create=create, feed=feed
        )


class _Searched:
    """A collection that is searched. It stays open: the next generation is the same collection."""

    __slots__ = ("count", "delete", "holds", "search", "upsert")

    def __init__(self, index: ChromaIndex) -> None:
        self.search, self.holds, self.count = index.search, index.holds, index.count
        self.upsert, self.delete = index.upsert, index.delete

    async def aclose(self) -> None:
        """Nothing to give back."""


class _RemoteDraft:
    """A collection that is fed."""

    __slots__ = ("_fresh", "_index", "_name", "count", "delete", "holds", "search", "upsert")

    def __init__(self, index: ChromaIndex, name: str, *, fresh: bool) -> None:
        self._index = index
        self._name = name
        self._fresh = fresh
        self.search, self.holds, self.count = index.search, index.holds, index.count
        self.upsert, self.delete = index.upsert, index.delete

    async def seal(self, sequence: int) -> str:
        del sequence
        self._fresh = False
        return self._name

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True), suppress(IndexFailed):
            if self._fresh:
                await self._index.drop()
            await self._index.aclose()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
