"""One tenant's index, kept up with its ledger: built, extended, served, discarded.

Nothing here is needed for a right answer: until a generation is served, or when one fails, the same
vectors are compared exactly.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import anyio
import numpy as np
import structlog

from ..errors import IndexCrashed, IndexDamaged, IndexFailed
from ..index import Draft, Generations
from ..ledger import IndexLedger, IndexRow
from ..model import IndexState, IndexStatus
from ..retrieval import Dense, net

__all__ = ["Feed"]

_PAGE = 2000
_STRIKES = 2
"""Crashes over a generation after which it is thrown away."""
_FORGIVEN = timedelta(minutes=10)
"""A crash so long ago counts no more."""
_FAR, _FAR_SHARE = 2_000, 50
"""Changes, and the share of all vectors, from which it costs to search what is waiting exactly."""
_MOST_TAIL = 20_000
"""Changes that are still searched exactly beside a generation; with more, it is extended first."""

_log = structlog.get_logger("loci.index")


class Feed:
    """Made by the engine for each tenant that has an index."""

    def __init__(
        self,
        tenant: str,
        ledger: IndexLedger,
        dense: Dense,
        generations: Generations,
        clock: Callable[[], datetime],
        soil: Callable[["Feed"], None],
    ) -> None:
        self._tenant = tenant
        self._ledger = ledger
        self._dense = dense
        self._generations = generations
        self._clock = clock
        self._soil = soil
        self._lock = anyio.Lock()
        self._step: anyio.CancelScope | None = None
        self._built: tuple[int, int] | None = None
        self._strikes: list[datetime] = []
        self._doomed = ""
        """Why the generation that was served is to be thrown away."""
        self._swept = False
        self._waiting = 0
        self.failure: str | None = None
        """Why the last step failed."""
        dense.on_failure = self._failed
        dense.on_turn = partial(soil, self)

    def changed(self, changes: int) -> None:
        """Note that the ledger changed by so many passages."""
        self._waiting += changes
        if changes:
            self._soil(self)

    @property
    def waiting(self) -> int:
        """Changes that it has not been fed, as far as is known without asking."""
        return self._waiting

    @property
    def is_far_behind(self) -> bool:
        """Whether so much is waiting that searching it exactly begins to cost."""
        return self._waiting > max(_FAR, self._dense.known // _FAR_SHARE)

    async def step(self) -> None:
        """Bring the index up to the ledger.

        Raises:
            IndexFailed: it could not be done now; what is served stays so.
            StoreError: the ledger failed.
        """
        async with self._lock:
            with anyio.CancelScope() as self._step:
                try:
                    waiting = self._waiting
                    await self._work()
                    self._waiting -= waiting
                    self.failure = None
                finally:
                    self._step = None
                    self._built = None

    async def discard(self, reason: str) -> None:
        """Throw the index away; it is built anew behind the answers.

        Raises:
            IndexFailed: its files cannot be removed.
        """
        self._interrupt()
        try:
            async with self._lock:
                await self._discard(reason)
        finally:
            self._soil(self)

    async def erased(self, passages: Sequence[int]) -> None:
        """Leave nothing of passages that were erased from the ledger: a vector that is deleted from
        an index stays in its files. Raises IndexFailed: files cannot be removed."""
        if not passages:
            return
        # What is being made may hold them already, whatever the ledger says.
        self._interrupt()
        try:
            async with self._lock:
                row = await self._ledger.row()
                name = row.generation if row else None
                if name is None:
                    # The ledger disowned it in the transaction that erased.
                    await self._dense.unserve()
                    await self._dense.retire()
                await self._generations.sweep(name)
        finally:
            self._soil(self)

    async def end(self) -> None:
        """Leave no files: its tenant is gone, and something may have been built since it was discarded.

        Raises:
            IndexFailed: files cannot be removed.
        """
        self._interrupt()
        async with self._lock:
            await self._generations.sweep(None)

    async def status(self) -> IndexStatus:
        """What state it is in, and why."""
        row = await self._ledger.row()
        waiting = await self._ledger.pending_count(row.sequence if row else 0)
        through = await self._dense.is_large() and self._dense.served
        coded = self._dense.coded
        return IndexStatus(
            state=self._state(row, waiting),
            searched="through the index" if through else "by codes" if coded else "exactly",
            vectors=await self._ledger.count(),
            waiting=waiting,
            built=self._built,
            reason=self.failure or (row.reason if row else ""),
            built_at=row.built_at if row else None,
        )

    def _state(self, row: IndexRow | None, waiting: int) -> IndexState:
        if self._built is not None:
            return "building"
        if self.failure is not None:
            return "failed"
        if row is None or row.generation is None:
            return "missing"
        return "behind" if waiting else "current"

    async def _work(self) -> None:
        await self._dense.retire()
        doomed, self._doomed = self._doomed, ""
        if doomed:
            await self._discard(doomed)
        begun = await self._ledger.last()
        row = await self._ledger.row()
        if not self._swept:
            await self._generations.sweep(row.generation if row else None)
            self._swept = True
        if row is not None and row.generation is not None:
            try:
                return await self._keep(row.generation, row, begun)
            except (IndexDamaged, IndexCrashed) as error:
                if isinstance(error, IndexCrashed) and not self._strike():
                    raise
                await self._discard(str(error))
                row = await self._ledger.row()
        if await self._ledger.count():
            await self._build(row.reason if row and row.reason else "there was none")

    async def _keep(self, name: str, row: IndexRow, until: int) -> None:
        """Serve and extend the generation that is there."""
        waiting = await self._ledger.pending_count(row.sequence)
        if waiting <= _MOST_TAIL and self._dense.served != await self._dense.is_large():
            await self._serve(name, row.sequence)
        if waiting:
            draft = await self._generations.extend(name, row.sequence)
            await self._finish(draft, until, row.reason, after=row.sequence)

    async def _build(self, reason: str) -> None:
        until = await self._ledger.last()
        # Whoever builds reads everything: were it kept, it would grow as long as nothing can be built.
        await self._ledger.trim(until)
        _log.info("building the index", tenant=self._tenant, reason=reason)
        await self._finish(await self._generations.begin(), until, reason, after=None)

    async def _finish(self, draft: Draft, until: int, reason: str, *, after: int | None) -> None:
        """Feed a draft from everything, or from the outbox; adopt and serve it."""
        try:
            if after is None:
                await self._fill(draft)
            else:
                await self._replay(draft, after, until)
            name = await draft.seal(until)
        finally:
            await draft.aclose()
        with anyio.CancelScope(shield=True):
            await self._ledger.adopt(name, until, until, reason, self._clock())
        row = await self._ledger.row()
        if row is None or row.generation != name:
            # Something was erased meanwhile, and may be in it.
            await self._dense.unserve()
            await self._generations.sweep(None)
            return self._soil(self)
        await self._serve(name, until)
        await self._generations.sweep(name)

    async def _fill(self, draft: Draft) -> None:
        whole = await self._ledger.count()
        done = 0
        async for rows in self._ledger.pages():
            self._built = done, max(whole, done)
            await draft.upsert(rows.ids, rows.vectors)
            done += len(rows.ids)
        if await draft.count() != done:
            raise IndexFailed(f"of {done:,} vectors it kept {await draft.count():,}")

    async def _replay(self, draft: Draft, after: int, until: int) -> None:
        while rows := await self._ledger.pending(after, _PAGE):
            after = rows[-1].id
            removed, added = net(row for row in rows if row.id <= until)
            if removed:
                await draft.delete(np.array(removed, np.int64))
            # Erased meanwhile: the removal comes later in the outbox, or the draft is given up.
            found = await self._ledger.rows(added)
            await draft.upsert(found.ids, found.vectors)
            if after >= until:
                break

    async def _serve(self, name: str, sequence: int) -> None:
        if await self._dense.is_large():
            await self._dense.serve(await self._generations.open(name, sequence), sequence)
        else:
            await self._dense.unserve()

    def _strike(self) -> bool:
        """Note a crash. Whether there were too many lately."""
        now = self._clock()
        self._strikes = [one for one in self._strikes if now - one < _FORGIVEN] + [now]
        return len(self._strikes) >= _STRIKES

    async def _discard(self, reason: str) -> None:
        _log.warning("the index is discarded", tenant=self._tenant, reason=reason)
        with anyio.CancelScope(shield=True):
            await self._ledger.disown(reason)
            self._strikes = []
            await self._dense.unserve()
            await self._generations.sweep(None)

    def _interrupt(self) -> None:
        if self._step is not None:
            self._step.cancel()

    def _failed(self, error: IndexFailed) -> None:
        """A search failed; it was answered exactly, and that copy is not searched again."""
        _log.warning("a search of the index failed", tenant=self._tenant, error=str(error))
        if isinstance(error, IndexDamaged) or (isinstance(error, IndexCrashed) and self._strike()):
            self._doomed = str(error)
        self._soil(self)
