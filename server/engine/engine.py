"""The engine: one ledger, one model, and a room for each tenant."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import anyio
import structlog
from anyio import to_thread

from ..embedding import Embedder, Reranker
from ..entities import Extractor, RuleExtractor
from ..errors import IndexFailed, InvalidInput, LociError, NotFound
from ..index import Shelves
from ..ledger import Ledger, Registry, TenantLedger
from ..model import BoardChange, Change, IndexStatus, Pulse, Status, TenantErased, utc_now
from ..retrieval import Acquaintance, Dense, Matrices
from ..tasks import task_group, uninterrupted
from ..tokens import TokenCounter
from ..workspace import Blackboard, BoardTending
from ..workspace.scratchpads import Scratchpads
from .feed import Feed
from .feeding import Feeding
from .gather import Gatherer
from .health import CANARY, check_canary, index_status, status
from .limits import Limits
from .memories import Memories
from .prepare import compare, embed
from .redaction import guarded_write
from .room import Room
from .tending import Tending
from .usage import Usage

__all__ = ["Engine", "open_engine"]

_log = structlog.get_logger("loci.engine")

Listener = Callable[[Change], Awaitable[None]]


class Engine:
    """Gives each tenant its memories. Made by `open_engine`."""

    __slots__ = (
        "_boards",
        "_clock",
        "_comparing",
        "_counter",
        "_embedder",
        "_embedding",
        "_entering",
        "_extractor",
        "_feeding",
        "_ledger",
        "_limits",
        "_listeners",
        "_matrices",
        "_reranker",
        "_rooms",
        "_shelves",
        "_tending",
    )

    def __init__(
        self,
        ledger: Ledger,
        embedder: Embedder,
        counter: TokenCounter,
        limits: Limits,
        clock: Callable[[], datetime],
        shelves: Shelves | None,
        reranker: Reranker | None,
        extractor: Extractor | None,
    ) -> None:
        self._extractor = extractor or RuleExtractor(counter.rank)
        self._ledger = ledger
        self._reranker = reranker
        self._embedder = embedder
        self._counter = counter
        self._limits = limits
        self._clock = clock
        self._listeners: list[Listener] = []
        self._rooms: dict[str, Room] = {}
        self._entering = anyio.Lock()
        self._shelves = shelves
        self._matrices = Matrices(limits.matrices)
        self._tending = Tending()
        self._feeding = Feeding()
        self._boards = BoardTending(clock)
        self._embedding = Gatherer(embed)
        self._comparing = Gatherer(compare)

    async def for_tenant(self, name: str) -> Memories:
        """The tenant's memory: the only way to it.

        Raises:
            InvalidInput: the name cannot be a tenant's.
        """
        return Memories(await self._known(name))

    async def status(self, name: str) -> Status:
        """How the tenant's memory is doing. Writes, recalls and erases a canary."""
        canary = await check_canary(Memories(await self._room(CANARY)))
        return await status(await self._room(name), canary)

    async def erase_tenant(self, name: str) -> TenantErased:
        """Remove a tenant and all that is its own, and prove it.

        Raises:
            NotFound: there is no such tenant.
            IndexFailed: its index cannot be removed; nothing else was.
        """
        async with self._entering:
            if name.startswith("~") or name not in await self._ledger.names():
                raise NotFound(f"There is no tenant {name[:40]}. See: loci tenant list")
            room = await self._entered(name)
            room.leaving = True
            try:
                if room.feed is not None:
                    await room.feed.discard("its tenant was erased")
                return await uninterrupted(self._erase(room))
            finally:
                room.leaving = False

    async def _erase(self, room: Room) -> TenantErased:
        now = self._clock()
        erased = await self._ledger.erase_tenant(room.tenant, now)
        del self._rooms[room.tenant]
        self._tending.leave(room)
        self._boards.leave(room.blackboard)
        if room.feed is not None:
            self._feeding.leave(room.feed)
        # After the commit: who asked before it may have read again what was given back by then.
        left = await room.left()
        residue = (await room.ledger.erasure.residue(erased.erasure)).with_index(left)
        return TenantErased(
            tenant=room.tenant,
            at=now,
            memories=erased.memories,
            versions=erased.versions,
            tokens=erased.tokens,
            audit=erased.audit,
            sought=erased.sought,
            residue=residue,
        )

    def pulse(self) -> Pulse:
        """How it is doing now. Asks nobody."""
        rooms = self._rooms.values()
        return Pulse(
            answers_again=sum(room.answers.hits for room in rooms),
            answers_sought=sum(room.answers.misses for room in rooms),
            index_waiting=sum(room.feed.waiting for room in rooms if room.feed is not None),
            writes_waiting=self._ledger.writes_waiting,
            tenants_open=len(rooms),
        )

    async def readiness(self) -> tuple[bool, str, str]:
        """What came of a canary that was written, recalled and erased, and the model in use."""
        return *await check_canary(Memories(await self._room(CANARY))), self._embedder.identity

    @property
    def registry(self) -> Registry:
        """Tenants, tokens and the audit."""
        return self._ledger.registry

    def on_change(self, listener: Listener) -> None:
        """Have every change of any tenant announced, after its commit."""
        self._listeners.append(listener)

    async def warm(self) -> None:
        """Load the model and the token table, so that the first call need not."""
        # In this order: the other way round the process stays some 20 MB larger.
        await self._embedder.load()
        await self._counter.load()
        await to_thread.run_sync(self._extractor.load)

    async def reindex(self, name: str) -> IndexStatus:
        """Throw the tenant's index away, build it anew, and say what came of it.

        Raises:
            IndexFailed: it cannot be built now; recall goes on without it.
        """
        feed = (await self._known(name)).feed
        if feed is not None:
            await feed.discard("asked for")
        return await self.feed(name)

    async def feed(self, name: str) -> IndexStatus:
        """Bring the tenant's index up to the ledger now, and say what came of it.

        Raises:
            IndexFailed: it cannot be done now; recall goes on without it.
        """
        feed = (await self._known(name)).feed
        if feed is not None:
            await feed.step()
        return await self.index(name)

    async def index(self, name: str) -> IndexStatus:
        """What state the tenant's index is in."""
        return await index_status(await self._known(name))

    async def tend(self) -> None:
        """Work behind the answers, for ever."""
        async with task_group() as tasks:
            tasks.start_soon(self._tending.run)
            tasks.start_soon(self._feeding.run)
            tasks.start_soon(self._boards.run)

    def hurry(self) -> None:
        """Let nobody wait any more for what may change: the end is near."""
        for room in self._rooms.values():
            room.blackboard.waiting.close()

    async def prepare(self) -> None:
        """Prepare what is to be remembered, for ever."""
        async with task_group() as tasks:
            tasks.start_soon(self._embedding.run)
            tasks.start_soon(self._comparing.run)

    async def settle(self) -> None:
        """Record what only memory knows, and give the indexes back."""
        for room in self._rooms.values():
            try:
                await room.record_uses()
                await room.pads.record_uses()
            except LociError as error:
                _log.warning("use counts are lost", error=str(error))
            try:
                await room.aclose()
            except IndexFailed as error:
                _log.warning("an index's copy stays till the next start", error=str(error))

    async def _known(self, name: str) -> Room:
        if not name or len(name) > 200 or not name.isprintable() or name.startswith("~"):
            raise InvalidInput("tenant: use 1 to 200 printable characters, no ~ at the start.")
        return await self._room(name)

    async def _room(self, name: str) -> Room:
        entered = self._rooms.get(name)
        if entered is not None and not entered.leaving:
            return entered
        async with self._entering:
            return await self._entered(name)

    async def _entered(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = await self._enter(name)
            self._tending.soil(room)
        return room

    async def _enter(self, name: str) -> Room:
        embedder = self._embedder
        # The canary comes and goes too fast to be worth an index.
        feeding = self._shelves is not None and name != CANARY
        ledger = await self._ledger.for_tenant(
            name, model=embedder.identity, dimension=embedder.dimension, feeding=feeding
        )
        dense = Dense(ledger, self._matrices, self._limits.exact_up_to)
        return Room(
            tenant=name,
            ledger=ledger,
            embedder=embedder,
            reranker=self._reranker,
            dense=dense,
            acquaintance=Acquaintance(ledger),
            pads=Scratchpads(ledger.pads, self._limits.pads, self._clock),
            feed=self._feed(name, ledger, dense) if feeding else None,
            counter=self._counter,
            extractor=self._extractor,
            limits=self._limits,
            usage=Usage(ledger.usage, self._limits.max_memories, self._limits.max_bytes),
            clock=self._clock,
            announce=self._announce,
            embed=self._embedding,
            compare=self._comparing,
            blackboard=await self._blackboard(name, ledger),
            soiled=self._tending.soil,
        )

    async def _blackboard(self, name: str, ledger: TenantLedger) -> Blackboard:
        async def announce(change: BoardChange) -> None:
            await self._announce(Change(name, board=change))

        made = Blackboard(
            ledger=ledger.boards,
            counter=self._counter,
            limits=self._limits.boards,
            clock=self._clock,
            announce=announce,
            guard=partial(guarded_write, what=self._limits.secrets),
            due=self._boards.due,
        )
        if (due := await ledger.boards.next_due()) is not None:
            self._boards.due(made, due)
        return made

    def _feed(self, name: str, ledger: TenantLedger, dense: Dense) -> Feed | None:
        if self._shelves is None:
            return None
        generations = self._shelves.of(name, self._embedder.identity, self._embedder.dimension)
        feed = Feed(name, ledger.index, dense, generations, self._clock, self._feeding.soil)
        self._feeding.soil(feed)
        return feed

    async def _announce(self, change: Change) -> None:
        for listener in self._listeners:
            await listener(change)


@asynccontextmanager
async def open_engine(
    ledger: Ledger,
    embedder: Embedder,
    counter: TokenCounter,
    *,
    limits: Limits | None = None,
    clock: Callable[[], datetime] = utc_now,
    shelves: Shelves | None = None,
    reranker: Reranker | None = None,
    extractor: Extractor | None = None,
) -> AsyncGenerator[Engine]:
    """Run the engine over an open ledger; without shelves no index is kept, without an
    extractor names are found by rules. Its tasks end with it;
    what they owe is written first."""
    engine = Engine(
        *(ledger, embedder, counter, limits or Limits(), clock, shelves, reranker, extractor)
    )
    async with task_group() as tasks:
        tasks.start_soon(engine.tend)
        tasks.start_soon(engine.prepare)
        try:
            yield engine
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await engine.settle()
