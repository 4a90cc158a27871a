"""Search by meaning: in memory where that is quick, through the index where it is not.

A tenant's vectors are held in memory, as a matrix or with codes, unless they are so many that the index is
quicker; then too, if it is not served now. What a narrow filter chooses is compared one by one; a wide
one filters what the index finds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import anyio
import numpy as np
from numpy.typing import NDArray

from ..errors import IndexFailed
from ..index import CodedIndex, Found, HeldIndex, VectorIndex, coded_bytes
from ..ledger import Delta, Sight, TenantLedger, as_kept, firsts_of, seqs_of
from . import passages
from .chosen import Chosen
from .matrices import Matrices, by_codes, fitting, held_for
from .scanning import scan
from .served import Served, check, serve

__all__ = ["NARROW", "Dense"]

NARROW = 4096
"""Versions that are compared one by one rather than sought in the index."""
_BACK = 0.9
"""The share of `exact_up_to` that is searched in memory again: to read the vectors takes seconds."""
_WIDE = (2, 8, 32)
"""How many times what is wanted is sought under a wide filter, until enough of it passes."""


class _Change(NamedTuple):
    """Of passages: what is removed, then what is added."""

    removed: NDArray[np.int64]
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


class Dense:
    """One tenant's vectors."""

    __slots__ = (
        "_chosen",
        "_closed",
        "_count",
        "_exact_up_to",
        "_ledger",
        "_loading",
        "_lock",
        "_matrices",
        "_missed",
        "_retired",
        "_served",
        "on_failure",
        "on_turn",
    )

    def __init__(self, ledger: TenantLedger, matrices: Matrices, exact_up_to: int) -> None:
        """More than `exact_up_to` passages are searched through the index, and those for which `matrices`
        has no place."""
        self._ledger = ledger
        self._matrices = matrices
        self._exact_up_to = exact_up_to
        self._chosen = Chosen(ledger, matrices)
        self._lock = anyio.Lock()
        self._loading = anyio.Lock()
        self._missed: list[_Change] | None = None
        """What was written while the vectors were read."""
        self._closed = False
        self._count: int | None = None
        self._served: Served | None = None
        self._retired: list[Served] = []
        """Those that failed, to be closed behind the answers."""
        self.on_failure: Callable[[IndexFailed], None] = lambda _: None
        """Told when the served generation fails a search, which is then answered exactly."""
        self.on_turn: Callable[[], None] = lambda: None
        """Told when a generation should be served and none is, or one is that is not needed now."""

    async def search(
        self, query: NDArray[np.float32], sight: Sight, limit: int
    ) -> Mapping[int, float]:
        """Cosines of the nearest versions, by seq, among those that may be seen."""
        if sight.travels:
            return await self._compare(query, await self._ledger.seqs(sight), limit)
        if not sight.narrow:
            # The index holds what is current. What has expired since is dropped when it is read.
            return (await self.nearest(query[None], limit))[0]
        seqs = await self._ledger.seqs(sight, NARROW + 1)
        if len(seqs) <= NARROW:
            return await self._compare(query, seqs, limit)
        for times in _WIDE:
            (nearest,) = await self.nearest(query[None], limit * times)
            allowed = await self._ledger.allowed(nearest, sight)
            kept = [(seq, cosine) for seq, cosine in nearest.items() if seq in allowed]
            if len(kept) >= limit or len(nearest) < limit * times:
                return dict(kept[:limit])
        return await self._compare(query, await self._ledger.seqs(sight), limit)

    async def among(
        self,
        query: NDArray[np.float32],
        choices: Sequence[Sequence[int]],
        limit: int,
        known: Found | None = None,
    ) -> Mapping[int, float]:
        """The nearest of each choice of versions, all compared at once, but for what is `known`."""
        together = {seq for choice in choices for seq in choice}
        return passages.best_of_each(await self._each(query, [*together], known), choices, limit)

    def at_hand(self, sight: Sight, limit: int) -> passages.Compare | None:
        """`search` for who is on a thread already, with a query of shape (1, dimension); None where that takes more."""
        matrix = self._matrices.get(self)
        if matrix is None or self._many(self.known) or sight.travels or sight.narrow:
            return None
        # Codes may find one passage of a version and not its others.
        whole = not isinstance(matrix, CodedIndex)
        return partial(passages.compared, matrix.at_hand(), limit=limit, whole=whole)

    async def firsts(self, seqs: Sequence[int]) -> NDArray[np.float32]:
        """The vector of each version's first passage, shape (versions, dimension); zeros where it has none."""
        wanted = np.array(seqs, np.int64)
        matrix = self._matrices.get(self)
        if matrix is not None and (held := matrix.vectors(firsts_of(wanted))) is not None:
            return held
        rows = await self._ledger.index_rows(seqs)
        vectors = np.zeros((len(wanted), self._ledger.dimension), np.float32)
        # Of several passages the first is written last.
        for seq, vector in zip(reversed(seqs_of(rows.ids)), reversed(rows.vectors), strict=True):
            vectors[wanted == seq] = vector
        return vectors

    async def nearest(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Mapping[int, float]]:
        """For each query, shape (n, dimension), the cosines of the nearest current versions by seq,
        unfiltered: the caller checks what it shows."""
        wanted = passages.passages_for(limit)
        while True:
            found = await self._found(queries, wanted, least)
            if (best := passages.versions_of(found, limit, wanted)) is not None:
                return best
            wanted *= passages.AGAIN

    async def count(self) -> int:
        """How many passages belong into the index, as far as is known without asking."""
        if self._count is None:
            self._count = await self._ledger.index.count()
        return self._count

    @property
    def known(self) -> int:
        """The same, or 0 if nobody has asked yet."""
        return self._count or 0

    async def ready(self) -> bool:
        """Read the vectors if they are to be held. Whether a search needs to read none of them now."""
        if self._served is not None and await self.is_large():
            return True
        return await self._matrix() is not None

    async def is_large(self) -> bool:
        """Whether it is searched through the index when that is served."""
        return self._many(await self.count())

    @property
    def coded(self) -> bool:
        """Whether it is searched by codes."""
        held = self._matrices.peek(self)
        return isinstance(held, CodedIndex) or (
            held is None and by_codes(self.known) and not self._many(self.known)
        )

    @property
    def served(self) -> bool:
        """Whether a generation is served."""
        return self._served is not None

    async def serve(self, generation: VectorIndex, after: int) -> None:
        """Search in this generation, which was fed up to `after`, from now on. It is closed when
        another takes its place, or when it is refused.

        Raises:
            IndexDamaged: it holds more or less than the ledger can explain.
        """
        try:
            # Before the lock, for which acknowledged writes wait.
            await check(self._ledger.index, generation, after)
            async with self._lock:
                served = await serve(self._ledger.index, generation, self._ledger.dimension, after)
                self._count = await self._ledger.index.count()
                old, self._served = self._served, served
                if self._closed:
                    old, self._served = served, None
                elif self._many(self._count):
                    self._matrices.drop(self)
        except BaseException:
            await generation.aclose()
            raise
        if old is not None:
            await old.aclose()

    async def unserve(self) -> None:
        """Close the generation that is served, if there is one; search exactly."""
        served, self._served = self._served, None
        if served is not None:
            await served.aclose()

    async def retire(self) -> None:
        """Close the generations that failed a search. Raises IndexFailed."""
        while self._retired:
            await self._retired.pop().aclose()

    async def apply(self, delta: Delta) -> None:
        """Take in a write that was committed, after those that were committed before it: a write
        without changes of its own may have been committed together with others."""
        removed = np.array(delta.removed, np.int64)
        ids = np.array([one for one, _ in delta.added], np.int64)
        vectors = np.array([vector for _, vector in delta.added], np.float32)
        vectors = as_kept(vectors.reshape(len(ids), self._ledger.dimension))
        async with self._lock:
            if self._count is not None:
                # Not all that are removed were there: counted again with each generation.
                self._count += len(ids) - len(removed)
            if self._served is not None:
                await self._served.apply(removed, ids, vectors)
            change = _Change(removed, ids, vectors)
            if self._missed is not None:
                self._missed.append(change)
            if (matrix := self._matrices.get(self)) is not None:
                await self._take_in(matrix, [change])
        await self._chosen.forget(removed)

    async def holds(self, ids: Sequence[int]) -> bool:
        """Whether any of the passages can be found. Raises IndexFailed."""
        wanted = np.array(ids, np.int64)
        matrix, served = self._matrices.peek(self), self._served
        for held in (matrix, self._chosen, served):
            if held is not None and await held.holds(wanted):
                return True
        return False

    async def aclose(self) -> None:
        """Hold nothing from now on. Raises IndexFailed."""
        async with self._lock:
            self._closed = True
            self._matrices.drop(self)
            self._chosen.close()
        await self.unserve()
        await self.retire()

    def _many(self, count: int) -> bool:
        """Whether so many are searched through the index when that is served."""
        held = self._matrices.peek(self)
        if count > self._exact_up_to * (_BACK if held is None and self._served else 1):
            return True
        if isinstance(held, CodedIndex) or not by_codes(count):
            return False
        size = coded_bytes(self._ledger.dimension, _room(count))
        return not self._matrices.admits(self, size)

    async def _found(self, queries: NDArray[np.float32], limit: int, least: float) -> list[Found]:
        if await self.is_large():
            if (served := self._served) is None:
                self.on_turn()
            else:
                try:
                    return await served.search(queries, limit, least)
                except IndexFailed as error:
                    self._give_up(served, error)
        if (matrix := await self._matrix()) is not None:
            return await matrix.search(queries, limit, least)
        return await scan(self._ledger.index, queries, limit, least)

    def _give_up(self, served: Served, error: IndexFailed) -> None:
        if self._served is served:
            self._served = None
            self._retired.append(served)
            self.on_failure(error)

    async def _matrix(self) -> HeldIndex | None:
        """All vectors, if they may be held."""
        if (held := self._matrices.get(self)) is not None:
            return held
        async with self._loading:
            if (held := self._matrices.get(self)) is not None:
                return held
            count = await self.count()
            dimension, room = self._ledger.dimension, _room(count)
            coded = by_codes(count) and not self._many(count)
            if not coded and not self._matrices.fits(self, 4 * dimension * room):
                return None
            return await self._load(held_for(dimension, room, coded=coded))

    async def _load(self, matrix: HeldIndex) -> HeldIndex:
        """Read them all. What is written meanwhile does not wait for it, and is taken in at the end."""
        self._missed = missed = list[_Change]()
        try:
            async for rows in self._ledger.index.pages():
                await matrix.upsert(rows.ids, rows.vectors)
            async with self._lock:
                if not self._closed:
                    await self._take_in(matrix, missed)
        finally:
            self._missed = None
        return matrix

    async def _take_in(self, matrix: HeldIndex, changes: Sequence[_Change]) -> None:
        for change in changes:
            await matrix.delete(change.removed)
            await matrix.upsert(change.ids, change.vectors)
        self._count = await matrix.count()
        many = self._many(self._count)
        if (self._served is None) if many else fitting(matrix, self._count):
            self._matrices.put(self, matrix)
            if self._served is not None:
                self.on_turn()
        else:
            self._matrices.drop(self)

    async def _compare(
        self, query: NDArray[np.float32], seqs: Sequence[int], limit: int
    ) -> Mapping[int, float]:
        """The best of some versions."""
        return passages.best_of(await self._each(query, seqs), limit)

    async def _each(
        self, query: NDArray[np.float32], seqs: Sequence[int], known: Found | None = None
    ) -> Found:
        """The passages of some versions, compared one by one."""
        matrix = self._matrices.get(self) if await self.is_large() else await self._matrix()
        return await self._chosen.compare(query, seqs, matrix, known)


def _room(count: int) -> int:
    """For some more, or the next write would make a copy of it all."""
    return count + count // 8
