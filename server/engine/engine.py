"""The engine: one ledger, one model, and a room for each tenant."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import anyio
import structlog

from ..embedding import Embedder
from ..errors import InvalidInput, LociError
from ..index import ExactIndex
from ..ledger import Ledger
from ..model import Change, Status, utc_now
from ..retrieval import Dense
from ..tasks import task_group
from ..tokens import TokenCounter
from .gather import Gatherer
from .health import CANARY, check_canary, status
from .limits import Limits
from .memories import Memories
from .prepare import compare, embed
from .room import Room
from .tending import Tending

__all__ = ["Engine", "open_engine"]

_log = structlog.get_logger("loci.engine")

Listener = Callable[[Change], Awaitable[None]]


class Engine:
    """Gives each tenant its memories. Made by `open_engine`."""

    __slots__ = (
        "_clock",
        "_comparing",
        "_counter",
        "_embedder",
        "_embedding",
        "_entering",
        "_ledger",
        "_limits",
        "_listeners",
        "_rooms",
        "_tending",
    )

    def __init__(
        self,
        ledger: Ledger,
        embedder: Embedder,
        counter: TokenCounter,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._embedder = embedder
        self._counter = counter
        self._limits = limits
        self._clock = clock
        self._listeners: list[Listener] = []
        self._rooms: dict[str, Room] = {}
        self._entering = anyio.Lock()
        self._tending = Tending()
        self._embedding = Gatherer(embed)
        self._comparing = Gatherer(compare)

    async def for_tenant(self, name: str) -> Memories:
        """The tenant's memory: the only way to it.

        Raises:
            InvalidInput: the name cannot be a tenant's.
        """
        if not name or len(name) > 200 or not name.isprintable() or name.startswith("~"):
            raise InvalidInput("tenant: use 1 to 200 printable characters, no ~ at the start.")
        return Memories(await self._room(name))

    async def status(self, name: str) -> Status:
        """How the tenant's memory is doing. Writes, recalls and erases a canary."""
        canary = await check_canary(Memories(await self._room(CANARY)))
        return await status(await self._room(name), canary)

    def on_change(self, listener: Listener) -> None:
        """Have every change of any tenant announced, after its commit."""
        self._listeners.append(listener)

    async def warm(self) -> None:
        """Load the model and the token table, so that the first call need not."""
        # In this order: the other way round the process stays some 20 MB larger.
        await self._embedder.load()
        await self._counter.load()

    async def tend(self) -> None:
        """Work behind the answers, for ever."""
        await self._tending.run()

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
            except LociError as error:
                _log.warning("use counts are lost", error=str(error))
            await room.dense.aclose()

    async def _room(self, name: str) -> Room:
        async with self._entering:
            room = self._rooms.get(name)
            if room is None:
                room = self._rooms[name] = await self._enter(name)
                self._tending.soil(room)
            return room

    async def _enter(self, name: str) -> Room:
        embedder = self._embedder
        ledger = await self._ledger.for_tenant(
            name, model=embedder.identity, dimension=embedder.dimension
        )
        return Room(
            tenant=name,
            ledger=ledger,
            embedder=embedder,
            dense=Dense(ledger, ExactIndex(embedder.dimension)),
            counter=self._counter,
            limits=self._limits,
            clock=self._clock,
            announce=self._announce,
            embed=self._embedding,
            compare=self._comparing,
            soiled=self._tending.soil,
        )

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
) -> AsyncGenerator[Engine]:
    """Run the engine over an open ledger. Its tasks end with it; what they owe is written first."""
    engine = Engine(ledger, embedder, counter, limits or Limits(), clock)
    async with task_group() as tasks:
        tasks.start_soon(engine.tend)
        tasks.start_soon(engine.prepare)
        try:
            yield engine
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await engine.settle()
