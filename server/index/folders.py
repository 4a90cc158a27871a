"""Generations in directories: `<root>/<tenant's digest>/<name>`, each a persistent Chroma collection.

Beside those stand directories that are no generations: drafts, and the copies that are searched
(Chroma changes the files of what it opens). What crashes leave of them is swept away.
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..errors import IndexDamaged, IndexFailed
from .chroma import ChromaIndex, Folder, identity
from .directories import make, remove, sweep
from .generations import Draft, Generations
from .places import HNSW
from .protocol import Found, VectorIndex, last_of_each
from .seal import Seal, Stamps, copy_sealed, stamps, sync_folder, write_seal
from .worker import Worker

__all__ = ["FolderShelves", "folder_of"]

_SAMPLES = 4
_ALIKE = 0.999
"""Cosine at which a sought sample counts as found: it may have exact repeats."""
_DEAD = 0.3
"""Share of dead vectors from which an index is built anew: its graph is walked in vain."""
_FEW_DEAD = 1000
_READ = (".bin", ".pickle")
"""The graph's files. Once it was saved, Chroma reads them whole and writes them only with vectors: a
copy that is only searched shares them. What was never saved it begins to write when it opens it."""
_COPY = "copy-"
_DRAFT = "draft-"


def folder_of(root: Path, tenant: str) -> Path:
    """Where a tenant's generations are. Its name may hold what a path may not."""
    return root / hashlib.sha256(tenant.encode()).hexdigest()[:32]


class FolderShelves:
    """All tenants' generations below one directory (`Shelves`)."""

    __slots__ = ("_feeding", "_root", "_searching")

    def __init__(self, root: Path, searching: Worker, feeding: Worker) -> None:
        self._root = root
        self._searching = searching
        self._feeding = feeding

    def of(self, tenant: str, model: str, dimension: int) -> Generations:
        folder = folder_of(self._root, tenant)
        marked = f"{identity(dimension)}, {model}, tenant {folder.name}"
        return _FolderGenerations(folder, marked, dimension, self._searching, self._feeding)


class _FolderGenerations:
    """One tenant's directory."""

    __slots__ = (
        "_copies",
        "_dimension",
        "_feeding",
        "_folder",
        "_identity",
        "_searching",
        "_trusted",
    )

    def __init__(
        self, folder: Path, marked: str, dimension: int, searching: Worker, feeding: Worker
    ) -> None:
        self._folder = folder
        self._identity = marked
        self._dimension = dimension
        self._searching = searching
        self._feeding = feeding
        self._copies: set[str] = set()
        self._trusted: dict[str, Stamps] = {}
        """Of those that were checked or sealed since this began."""

    async def open(self, name: str, sequence: int) -> VectorIndex:
        copy = self._folder / f"{_COPY}{secrets.token_hex(8)}"
        self._copies.add(copy.name)
        try:
            seal = await self._copy(name, sequence, copy, share=True)
            index = await self._opened(self._searching, copy, create=False)
            searched = _Searched(index, copy, self._copies)
        except BaseException:
            self._copies.discard(copy.name)
            await remove(copy)
            raise
        try:
            await _probe(searched, seal.count, seal.samples)
        except BaseException:
            await searched.aclose()
            raise
        return searched

    async def extend(self, name: str, sequence: int) -> Draft:
        folder = self._folder / f"{_DRAFT}{secrets.token_hex(8)}"
        try:
            seal = await self._copy(name, sequence, folder)
            if seal.dead > max(_FEW_DEAD, _DEAD * (seal.count + seal.dead)):
                raise IndexDamaged(f"{seal.dead:,} of its vectors are dead")
            index = await self._opened(self._feeding, folder, create=False)
            if await index.count() != seal.count:
                await index.aclose()
                raise IndexDamaged("it does not hold as many vectors as were sealed")
        except BaseException:
            await remove(folder)
            raise
        return _FolderDraft(index, folder, self._identity, seal, self._trusted)

    async def begin(self) -> Draft:
        folder = self._folder / f"{_DRAFT}{secrets.token_hex(8)}"
        try:
            await to_thread.run_sync(make, folder)
            index = await self._opened(self._feeding, folder, create=True)
        except BaseException:
            await remove(folder)
            raise
        return _FolderDraft(index, folder, self._identity, None, self._trusted)

    async def sweep(self, keep: str | None) -> None:
        await to_thread.run_sync(sweep, self._folder, {keep, *self._copies})
        for name in self._trusted.keys() - {keep}:
            del self._trusted[name]

    async def _copy(self, name: str, sequence: int, target: Path, *, share: bool = False) -> Seal:
        source = self._folder / name
        found = await to_thread.run_sync(stamps, source)
        copy = partial(
            copy_sealed,
            trusted=self._trusted.get(name) == found,
            linked=lambda seal: _READ if share and _is_saved(seal.count) else (),
        )
        seal = await to_thread.run_sync(copy, source, target)
        self._trusted[name] = found
        if seal.identity != self._identity:
            raise IndexDamaged(f"it is of another kind: {seal.identity}")
        if seal.sequence != sequence:
            raise IndexDamaged(f"it is stale: fed to {seal.sequence}, the ledger says {sequence}")
        return seal

    async def _opened(self, worker: Worker, folder: Path, *, create: bool) -> ChromaIndex:
        return await ChromaIndex.open(worker, Folder(folder), self._dimension, create=create)


class _Searched:
    """A copy that is searched; closed, it is removed."""

    __slots__ = ("_copies", "_folder", "_index", "count", "delete", "holds", "search", "upsert")

    def __init__(self, index: VectorIndex, folder: Path, copies: set[str]) -> None:
        self._index = index
        self._folder = folder
        self._copies = copies
        self.search, self.holds, self.count = index.search, index.holds, index.count
        self.upsert, self.delete = index.upsert, index.delete

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            # A worker that crashed has closed it already.
            with suppress(IndexFailed):
                await self._index.aclose()
            self._copies.discard(self._folder.name)
            await remove(self._folder)


class _FolderDraft:
    """A directory that is fed."""

    __slots__ = ("_base", "_folder", "_identity", "_index", "_removed", "_samples", "_sealed")

    def __init__(
        self,
        index: ChromaIndex,
        folder: Path,
        marked: str,
        base: Seal | None,
        sealed: dict[str, Stamps],
    ) -> None:
        self._index = index
        self._folder: Path | None = folder
        self._identity = marked
        self._base = base
        self._sealed = sealed
        self._removed = 0
        self._samples = dict(base.samples) if base else {}

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        return await self._index.search(queries, limit, least)

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        ids, vectors = last_of_each(ids, vectors)
        await self._index.upsert(ids, vectors)
        for one in ids.tolist():
            self._samples.pop(one, None)
        for place in range(0, len(ids), max(1, len(ids) // _SAMPLES)):
            self._samples[int(ids[place])] = tuple(vectors[place].tolist())
        while len(self._samples) > _SAMPLES:
            del self._samples[next(iter(self._samples))]

    async def delete(self, ids: NDArray[np.int64]) -> None:
        before = await self._index.count()
        await self._index.delete(ids)
        # Only these stay in the graph as dead: a vector that comes again is changed where it stands.
        self._removed += before - await self._index.count()
        for one in ids.tolist():
            self._samples.pop(one, None)

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        return await self._index.holds(ids)

    async def count(self) -> int:
        return await self._index.count()

    async def seal(self, sequence: int) -> str:
        folder = self._folder
        if folder is None:
            raise IndexFailed("the draft is closed")
        samples = tuple(self._samples.items())
        count = await self._index.count()
        if _is_saved(count):
            await self._index.save()
        await _probe(self._index, count, samples)
        await self._index.aclose()
        dead = self._removed + (self._base.dead if self._base else 0)
        seal = partial(
            write_seal,
            folder,
            identity=self._identity,
            sequence=sequence,
            count=count,
            dead=dead,
            samples=samples,
        )
        name = folder.name.removeprefix(_DRAFT)
        self._sealed[name] = await to_thread.run_sync(_sealed, seal, folder, folder.with_name(name))
        self._folder = None
        return name

    async def aclose(self) -> None:
        if self._folder is None:
            return
        folder, self._folder = self._folder, None
        with anyio.CancelScope(shield=True):
            with suppress(IndexFailed):
                await self._index.aclose()
            await remove(folder)


def _is_saved(count: int) -> bool:
    """Whether an index of so many vectors is saved before it is sealed. A small one is quickly built
    again when it is opened."""
    return count > HNSW.sync_threshold


async def _probe(
    index: VectorIndex, count: int, samples: tuple[tuple[int, tuple[float, ...]], ...]
) -> None:
    """Raises IndexDamaged: it has not the vectors that it should have."""
    if (found := await index.count()) != count:
        raise IndexDamaged(f"it holds {found:,} vectors, not the {count:,} that were sealed")
    if not samples:
        return
    nearest = await index.search(np.array([vector for _, vector in samples], np.float32), 1)
    for (name, _), one in zip(samples, nearest, strict=True):
        if not len(one.ids) or one.cosines[0] < _ALIKE:
            raise IndexDamaged(f"it does not find vector {name}, which it holds")


def _sealed(seal: Callable[[], Seal], folder: Path, named: Path) -> Stamps:
    try:
        seal()
        found = stamps(folder)
        folder.rename(named)
        sync_folder(named.parent)
        return found
    except OSError as error:
        raise IndexFailed(f"the index cannot be written: {error.strerror}") from error
