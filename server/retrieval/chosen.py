"""Versions that a filter chose, compared one by one: with the vectors that are held, and those that are
not with the ledger's, which are held from then on."""

from collections.abc import Sequence
from functools import partial

import anyio
import numpy as np
from numpy.typing import NDArray

from ..index import ExactIndex, Found, HeldIndex
from ..ledger import TenantLedger, seqs_of
from .matrices import Matrices

__all__ = ["Chosen"]

_PAGE = 4096
"""Versions that are read at once."""
_MOST = 4 * _PAGE
"""Passages that are held (25 MB): enough for the filters that are asked again and again."""


class Chosen:
    """One tenant's. A version's vectors never change, so they are right for as long as they are held;
    what was erased must not be."""

    __slots__ = ("_closed", "_forgotten", "_ledger", "_lock", "_matrices")

    def __init__(self, ledger: TenantLedger, matrices: Matrices) -> None:
        self._ledger = ledger
        self._matrices = matrices
        self._lock = anyio.Lock()
        self._forgotten = 0
        self._closed = False

    async def compare(
        self,
        query: NDArray[np.float32],
        seqs: Sequence[int],
        matrix: HeldIndex | None,
        known: Found | None = None,
    ) -> Found:
        """The passages of versions with their cosines, nearest first. `matrix`: where more are held; `known`:
        passages of which the cosines are known, all of a version's if one is."""
        rest = np.array(seqs, np.int64)
        parts: list[Found] = []
        if known is not None:
            mine = _of(rest, known.ids)
            parts.append(Found(known.ids[mine], known.cosines[mine]))
            rest = _without(rest, parts[-1])
        for held in (matrix, self._matrices.get(self)):
            if held is not None and len(rest):
                parts.append(await held.among(query, partial(_of, rest)))
                rest = _without(rest, parts[-1])
        for start in range(0, len(rest), _PAGE):
            page = rest[start : start + _PAGE].tolist()
            parts.append(await self._read(query, page, hold=len(rest) <= _PAGE))
        return _sorted(parts)

    async def forget(self, removed: NDArray[np.int64]) -> None:
        """Hold passages no longer, nor if they are being read now."""
        if not len(removed):
            return
        self._forgotten += 1
        async with self._lock:
            if (held := self._matrices.get(self)) is not None:
                await held.delete(removed)

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        """Whether any of the passages is held."""
        held = self._matrices.get(self)
        return held is not None and await held.holds(ids)

    def close(self) -> None:
        """Hold nothing from now on."""
        self._closed = True
        self._matrices.drop(self)

    async def _read(self, query: NDArray[np.float32], seqs: Sequence[int], *, hold: bool) -> Found:
        before = self._forgotten
        rows = await self._ledger.index_rows(seqs)
        if hold:
            async with self._lock:
                if before == self._forgotten and not self._closed:
                    await self._hold(rows.ids, rows.vectors)
        return Found(rows.ids, rows.vectors @ query)

    async def _hold(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        held = self._matrices.get(self)
        if held is None or await held.count() + len(ids) > _MOST:
            # The old one is left to whoever searches it.
            held = ExactIndex(self._ledger.dimension)
        await held.upsert(ids, vectors)
        self._matrices.put(self, held)


def _of(seqs: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which passages are of these versions."""
    return np.isin(seqs_of(ids), seqs)


def _without(seqs: NDArray[np.int64], found: Found) -> NDArray[np.int64]:
    return seqs[~np.isin(seqs, seqs_of(found.ids))]


def _sorted(parts: Sequence[Found]) -> Found:
    """Ties go to the newer memory."""
    if not parts:
        return Found(np.empty(0, np.int64), np.empty(0, np.float32))
    ids = np.concatenate([part.ids for part in parts])
    cosines = np.concatenate([part.cosines for part in parts])
    order = np.lexsort((-ids, -cosines))
    return Found(ids[order], cosines[order])
