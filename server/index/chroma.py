"""Chroma's graph as a vector index. Chroma itself runs in a worker; here is its face."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import anyio
import numpy as np
from numpy.typing import NDArray

from ..errors import IndexCrashed, IndexFailed
from .frames import Answer, Op, Question, no_ids, no_vectors
from .places import HNSW, Address, Folder, Graph, Place, Remote, identity
from .protocol import Found, last_of_each
from .worker import Worker

__all__ = ["HNSW", "ChromaIndex", "Folder", "Graph", "Limits", "Remote", "identity"]

_BATCH = 256
"""Vectors that are written at once: Chroma holds its process up for so long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that the worker may take before it counts as hung."""

    open: float = 30.0
    search: float = 2.0
    query: float = 0.02
    """More for each query of a search."""
    write: float = 30.0
    row: float = 0.05
    """More for each vector that is written."""


_LIMITS = Limits()


_END_SECONDS = 10.0
"""For closing and dropping: a shutdown may wait for it."""


class ChromaIndex:
    """One collection of Chroma (`VectorIndex`). The worker may be replaced meanwhile: what was
    answered is kept, and the collection is opened again with the next question."""

    __slots__ = ("_address", "_asking", "_closed", "_limits", "_quiet", "_worker")

    def __init__(self, worker: Worker, address: Address, limits: Limits) -> None:
        """Use `open`."""
        self._worker = worker
        self._address = address
        self._limits = limits
        self._closed = False
        self._asking = 0
        self._quiet = anyio.Event()

    @classmethod
    async def open(
        cls,
        worker: Worker,
        place: Place,
        dimension: int,
        *,
        create: bool,
        limits: Limits = _LIMITS,
    ) -> Self:
        """Open a collection, or make it if it is missing and `create` says so. Raises IndexDamaged:
        it is missing, unreadable, or has another dimension or other parameters than `HNSW`;
        IndexFailed: it cannot be opened now."""
        if isinstance(place, Folder):
            # The worker stands elsewhere.
            place = Folder(Path.absolute(place.path))
        index = cls(worker, Address(place, dimension), limits)
        try:
            await index._ask("create" if create else "open", seconds=limits.open)
        except BaseException:
            # The worker may have it open all the same.
            with anyio.CancelScope(shield=True), suppress(IndexFailed):
                await index.aclose()
            raise
        return index

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        if limit < 1 or not len(queries):
            return [Found(no_ids(), no_vectors()) for _ in queries]
        seconds = self._limits.search + self._limits.query * len(queries)
        answer = await self._ask("search", vectors=queries, limit=limit, seconds=seconds)
        stops = np.cumsum(answer.lengths)[:-1]
        rows = zip(np.split(answer.ids, stops), np.split(answer.cosines, stops), strict=True)
        return [_sorted(ids, cosines, least) for ids, cosines in rows]

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        ids, vectors = last_of_each(ids, vectors)
        for start in range(0, len(ids), _BATCH):
            part = slice(start, start + _BATCH)
            await self._write("upsert", ids[part], vectors[part])

    async def delete(self, ids: NDArray[np.int64]) -> None:
        for start in range(0, len(ids), _BATCH):
            await self._write("delete", ids[start : start + _BATCH], no_vectors())

    async def save(self) -> None:
        """Have Chroma write its graph out: what it has not written, it inserts once more whenever it
        opens the index, at a millisecond each."""
        # It does so after so many changes, and counts removals of what was never there.
        await self.delete(np.arange(-HNSW.sync_threshold, 0))

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            if (await self._ask("holds", ids=part, seconds=self._limits.open)).count:
                return True
        return False

    async def count(self) -> int:
        return (await self._ask("count", seconds=self._limits.open)).count

    async def aclose(self) -> None:
        """Close its files: afterwards nothing changes them. Raises IndexFailed if the worker crashed
        over it; if there is none, nothing is open."""
        await self._end("close")

    async def drop(self) -> None:
        """Delete a remote collection, and close. One that is missing is passed over. A folder is
        dropped by removing it."""
        if isinstance(self._address.place, Folder):
            raise TypeError("only remote collections are dropped")
        await self._end("drop")

    async def _end(self, op: Op) -> None:
        if self._closed:
            return
        self._closed = True
        while self._asking:
            self._quiet = anyio.Event()
            await self._quiet.wait()
        if op == "drop" or self._worker.running:
            await self._worker.ask(Question(op, self._address), seconds=_END_SECONDS)

    async def _write(self, op: Op, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        seconds = self._limits.write + self._limits.row * len(ids)
        await self._ask(op, ids=ids, vectors=vectors, seconds=seconds)

    async def _ask(
        self,
        op: Op,
        *,
        seconds: float,
        ids: NDArray[np.int64] | None = None,
        vectors: NDArray[np.float32] | None = None,
        limit: int = 0,
    ) -> Answer:
        if self._closed:
            raise IndexFailed("the index was closed")
        ids, vectors = (
            no_ids() if ids is None else ids,
            no_vectors() if vectors is None else vectors,
        )
        self._asking += 1
        try:
            question = Question(op, self._address, ids, vectors, limit)
            return await self._worker.ask(question, seconds=seconds)
        except IndexCrashed as error:
            if isinstance(self._address.place, Folder):
                raise
            # A server that hangs says nothing against the collection.
            raise IndexFailed(str(error)) from error
        finally:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()


def _sorted(ids: NDArray[np.int64], cosines: NDArray[np.float32], least: float) -> Found:
    """Nearest first; ties go to the larger id, which is the newer memory."""
    order = np.lexsort((-ids, -cosines))
    # Rounding takes a cosine of -1 a little below it.
    order = order[cosines[order] >= (least if least > -1 else -2)]
    return Found(ids[order], cosines[order])
