"""The one composition root: settings in, running application out. Its lifespan owns all that runs.

Above stand the command and the daemon; below stand the transports, which are served by what
is made here, and every other room. The directory is locked at once; the database, the model and the
engine come with the first call, and so do their libraries: a handshake waits for none of them.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from .access import current_caller
from .access.administration import Administration
from .errors import SHUTTING_DOWN, LociError
from .home import owned
from .model import Pulse, Readiness
from .tasks import task_group
from .wiring import engine_for

if TYPE_CHECKING:
    from .engine import Engine, Memories
    from .ledger import Registry
    from .model import Change, IndexStatus, Status
    from .settings import Settings

__all__ = ["App", "open_app"]


class App:
    """Serves whoever asks (`access.ShellDesk`). Made by `open_app`."""

    __slots__ = (
        "_closing",
        "_engine",
        "_failure",
        "_listeners",
        "_opened",
        "_wanted",
        "administration",
        "settings",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._wanted = anyio.Event()
        self._opened = anyio.Event()
        self._closing = anyio.Event()
        self._engine: Engine | None = None
        self._failure: LociError | None = None
        self._listeners: list[Callable[[Change], Awaitable[None]]] = []
        self.administration = Administration(self._ready)

    def start(self) -> None:
        """Begin to open the store, if that has not begun."""
        self._wanted.set()

    async def memories(self) -> Memories:
        """The caller's memories. The first call opens the store and waits for it.

        Raises:
            StoreError, ModelError: it cannot be opened. Every call says so until the next start.
            LookupError: no transport has said who the caller is.
        """
        tenant = current_caller().tenant
        return await (await self._ready()).for_tenant(tenant)

    async def status(self) -> Status:
        """How the caller's memory is doing. Raises as `memories` does."""
        tenant = current_caller().tenant
        return await (await self._ready()).status(tenant)

    async def reindex(self) -> IndexStatus:
        """Build the caller's index anew. Raises IndexFailed, and as `memories` does."""
        tenant = current_caller().tenant
        return await (await self._ready()).reindex(tenant)

    async def index(self) -> IndexStatus:
        """What state the caller's index is in. Raises as `memories` does."""
        tenant = current_caller().tenant
        return await (await self._ready()).index(tenant)

    async def registry(self) -> Registry:
        """Tenants, tokens and the audit. Raises as `memories` does."""
        return (await self._ready()).registry

    def pulse(self) -> Pulse | None:
        """How the engine is doing; None until it is open."""
        return None if self._engine is None else self._engine.pulse()

    async def readiness(self) -> Readiness:
        """Whether a canary can be written, recalled and erased. Raises as `memories` does."""
        ready, canary, embedder = await (await self._ready()).readiness()
        place = urlsplit(self.settings.index)
        index = f"chroma at {place.hostname}" if place.hostname else self.settings.index
        return Readiness(ready=ready, canary=canary, embedder=embedder, index=index)

    def on_change(self, listener: Callable[[Change], Awaitable[None]]) -> None:
        """Have changes of any tenant announced, after their commit."""
        self._listeners.append(listener)

    async def run(self, *, warm: bool) -> None:
        """Open the store when it is wanted, and hold it open until `close`. One task runs this."""
        await self._wanted.wait()
        if self._closing.is_set():
            return
        try:
            await to_thread.run_sync(_import_libraries)
            async with engine_for(self.settings) as engine:
                engine.on_change(self._announce)
                self._engine = engine
                self._opened.set()
                # What was imported stays for good: looking it over would stall the loop for 20 ms.
                gc.freeze()
                await self._hold(engine, warm=warm)
        except LociError as error:
            if self._opened.is_set():
                raise
            self._failure = error
            self._opened.set()

    def hurry(self) -> None:
        """Let no call wait any more for what may change."""
        if self._engine is not None:
            self._engine.hurry()

    def close(self) -> None:
        """Let `run` end, after what was accepted is written."""
        self._closing.set()
        self._wanted.set()

    async def _ready(self) -> Engine:
        self.start()
        await self._opened.wait()
        if self._engine is None:
            failure = self._failure or LociError(SHUTTING_DOWN)
            # A new one for each caller: they would add their tracebacks to the same otherwise.
            raise type(failure)(str(failure)) from failure
        return self._engine

    async def _hold(self, engine: Engine, *, warm: bool) -> None:
        async with anyio.create_task_group() as tasks:
            if warm:
                tasks.start_soon(_warm, engine)
            await self._closing.wait()
            tasks.cancel_scope.cancel()

    async def _announce(self, change: Change) -> None:
        for listener in self._listeners:
            await listener(change)


@asynccontextmanager
async def open_app(
    settings: Settings, *, command: str = "loci", warm: bool = True
) -> AsyncGenerator[App]:
    """Hold the data directory and run what serves it.

    `command` is what others are told that finds the directory held. With `warm`, the model is loaded
    behind the first call; without, when a call needs it.

    Raises:
        StoreBusy: another process holds the directory.
        StoreError: it cannot be made or written.
    """
    async with _owned(settings.home, command):
        app = App(settings)
        async with task_group() as tasks:
            tasks.start_soon(_run, app, warm)
            try:
                yield app
            finally:
                app.close()


@asynccontextmanager
async def _owned(home: Path, command: str) -> AsyncGenerator[None]:
    lock = owned(home, command)
    await to_thread.run_sync(lock.__enter__)
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lock.__exit__, None, None, None)


async def _run(app: App, warm: bool) -> None:
    # Shielded: a cancelled application still drains its writer. `close` ends it.
    with anyio.CancelScope(shield=True):
        await app.run(warm=warm)


async def _warm(engine: Engine) -> None:
    import structlog

    log = structlog.get_logger("loci.app")
    try:
        await engine.warm()
    except* LociError as failures:
        for error in failures.exceptions:
            log.warning("the model cannot be loaded", error=str(error))
    await to_thread.run_sync(_give_memory_back)


def _give_memory_back() -> None:
    """Return to the system what loading left free in the heap: some 20 MB. glibc keeps it else."""
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _import_libraries() -> None:
    """Import what opening needs: half a second that the event loop must not stand still for."""
    import importlib

    from .telemetry import configure_structlog

    # Before NumPy comes: its threads would spin beside the model's and gain nothing at these sizes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    configure_structlog()
    for room in (".engine", ".ledger", ".embedding", ".tokens"):
        importlib.import_module(room, __package__)
