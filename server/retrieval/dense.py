"""Search by meaning: the index for what is current, the ledger's vectors for everything else."""

from collections.abc import Mapping, Sequence

import anyio
import numpy as np
from numpy.typing import NDArray

from ..index import VectorIndex
from ..ledger import Delta, Sight, TenantLedger, seqs_of

__all__ = ["Dense"]

_NARROW = 4096
"""Versions that are compared one by one from the ledger rather than sought in the index."""
_OVERFETCH = 2
"""Passages for each version wanted: long memories have several near ones."""


class Dense:
    """One tenant's vectors. The index is filled from the ledger before the first search."""

    __slots__ = ("_filled", "_filling", "_index", "_ledger")

    def __init__(self, ledger: TenantLedger, index: VectorIndex) -> None:
        self._ledger = ledger
        self._index = index
        self._filling = anyio.Lock()
        self._filled = False

    async def search(
        self, query: NDArray[np.float32], sight: Sight, limit: int
    ) -> Mapping[int, float]:
        """Cosines of the nearest versions, by seq, among those that may be seen."""
        if sight.travels:
            return await self._compare(query, await self._ledger.seqs(sight), limit)
        if sight.narrow:
            seqs = await self._ledger.seqs(sight)
            if len(seqs) <= _NARROW:
                return await self._compare(query, seqs, limit)
        return await self._seek(query, sight, limit)

    async def nearest(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Mapping[int, float]]:
        """For each query, shape (n, dimension), the cosines of the nearest current versions by seq,
        unfiltered: the caller checks what it shows."""
        await self.fill()
        found = await self._index.search(queries, limit * _OVERFETCH, least)
        return [_best(one.ids, one.cosines, limit) for one in found]

    async def apply(self, delta: Delta) -> None:
        """Bring the index up to a write that was committed."""
        if not delta.removed and not delta.added:
            return
        async with self._filling:
            await self._index.delete(np.array(delta.removed, np.int64))
            if delta.added:
                ids = np.array([one for one, _ in delta.added], np.int64)
                vectors = np.stack([vector for _, vector in delta.added])
                # As the ledger keeps them, so that a restart changes no ranking.
                await self._index.upsert(ids, vectors.astype(np.float16).astype(np.float32))

    async def fill(self) -> None:
        """Fill the index from the ledger, once."""
        if self._filled:
            return
        async with self._filling:
            after: int | None = 0
            while after is not None and not self._filled:
                rows, after = await self._ledger.indexable(after)
                await self._index.upsert(rows.ids, rows.vectors)
            self._filled = True

    async def holds(self, ids: Sequence[int]) -> bool:
        """Whether the index knows any of the passages."""
        return await self._index.holds(np.array(ids, np.int64))

    async def aclose(self) -> None:
        """Close the index."""
        await self._index.aclose()

    async def _seek(
        self, query: NDArray[np.float32], sight: Sight, limit: int
    ) -> Mapping[int, float]:
        if not sight.narrow:
            # The index holds what is current. What has expired since is dropped when it is read.
            return (await self.nearest(query[None], limit))[0]
        (nearest,) = await self.nearest(query[None], limit * _OVERFETCH)
        allowed = await self._ledger.allowed(nearest, sight)
        kept = [(seq, cosine) for seq, cosine in nearest.items() if seq in allowed]
        return dict(kept[:limit])

    async def _compare(
        self, query: NDArray[np.float32], seqs: Sequence[int], limit: int
    ) -> Mapping[int, float]:
        rows = await self._ledger.index_rows(seqs)
        cosines = rows.vectors @ query
        order = np.argsort(-cosines, kind="stable")
        return _best(rows.ids[order], cosines[order], limit)


def _best(ids: NDArray[np.int64], cosines: NDArray[np.float32], limit: int) -> Mapping[int, float]:
    """The best passage of each version, best first."""
    best: dict[int, float] = {}
    for seq, cosine in zip(seqs_of(ids).tolist(), cosines.tolist(), strict=True):
        if seq not in best:
            best[seq] = cosine
            if len(best) == limit:
                break
    return best
