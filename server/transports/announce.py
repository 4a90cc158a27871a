"""Changes, told to those who subscribed to what changed and whose it is.

A client of 2026-07-28 listens on a stream that the SDK serves from the bus. A client of 2025-11-25
subscribes, and is told by a task of its connection: no write waits for a client that does not read.
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from mcp import MCPError
from mcp.server.connection import Connection
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ResourceUpdated, ServerEvent
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
)

from ..access import current_caller
from ..model import PRIVATE, BoardChange, Change, Tier

__all__ = ["Bus", "Subscriber"]

_MOST = 1000
"""Subscriptions of one connection."""
_LONGEST = 500
_STATE = "loci.subscriber"

Listener = Callable[[ServerEvent], None]

_SUBSCRIBER: ContextVar["Subscriber"] = ContextVar("subscriber")


class Bus:
    """Announces by tenant. Implements the SDK's `SubscriptionBus`."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[object, _Ear]] = {}
        """By tenant: most changes concern nobody, and must not cost what all connections do."""
        self._changed: dict[str, datetime] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def delivering(self) -> AsyncGenerator[None]:
        """Tell connections that come and go with the requests of HTTP."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    def changed_at(self) -> datetime | None:
        """When the caller's memories last changed while this server ran."""
        return self._changed.get(current_caller().tenant)

    async def changed(self, change: Change) -> None:
        """Announce a change of memories."""
        self._changed[change.tenant] = datetime.now(UTC)
        if change.tenant not in self._listeners:
            return
        agent = None if change.board is None else change.board.agent
        for event in _events(change):
            self._tell(change.tenant, event, agent)
        # Streams drain between bursts instead of overflowing.
        await anyio.lowlevel.checkpoint()

    async def publish(self, event: ServerEvent) -> None:
        """Announce to the listeners of the caller's tenant."""
        self._tell(current_caller().tenant, event)
        await anyio.lowlevel.checkpoint()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell the listener what concerns the caller's tenant and its agent. Returns what ends that."""
        caller, key = current_caller(), object()
        self._listeners.setdefault(caller.tenant, {})[key] = _Ear(caller.agent, listener)

        def unsubscribe() -> None:
            here = self._listeners.get(caller.tenant, {})
            here.pop(key, None)
            if not here:
                self._listeners.pop(caller.tenant, None)

        return unsubscribe

    @contextmanager
    def subscriber(self) -> Generator["Subscriber"]:
        """What one connection subscribed to, in this task and those it starts."""
        one = Subscriber(self)
        token = _SUBSCRIBER.set(one)
        try:
            yield one
        finally:
            _SUBSCRIBER.reset(token)
            one.end()

    def subscriber_of(self, connection: Connection) -> "Subscriber":
        """What a connection subscribed to. One of HTTP lives on from request to request, and is its
        owner's alone.

        Raises:
            MCPError: it carries no subscriptions.
        """
        found = _SUBSCRIBER.get(None) or connection.state.get(_STATE)
        if found is None and self._tasks is not None:
            found = connection.state[_STATE] = Subscriber(self)
            connection.exit_stack.callback(found.end)
            self._tasks.start_soon(found.deliver)
        if not isinstance(found, Subscriber):
            raise MCPError(METHOD_NOT_FOUND, "This connection carries no subscriptions.")
        return found

    def _tell(self, tenant: str, event: ServerEvent, agent: str | None = None) -> None:
        """Tell all of a tenant, or only an agent of it."""
        for ear in list(self._listeners.get(tenant, {}).values()):
            if agent in (None, ear.agent):
                ear.listener(event)


@dataclass(frozen=True, slots=True, eq=False)
class _Ear:
    """Who is told."""

    agent: str | None
    listener: Listener


class Subscriber:
    """A connection of 2025-11-25 and the resources that it watches."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._unsubscribe: Callable[[], None] | None = None
        self._uris: set[str] = set()
        self._due: dict[str, None] = {}
        self._wake = anyio.Event()
        self._session: ServerSession | None = None
        self._ended = False

    def note(self, event: ServerEvent) -> None:
        """Have the client told, once for all that happens until it is."""
        if isinstance(event, ResourceUpdated) and event.uri in self._uris:
            self._due[event.uri] = None
            self._wake.set()

    async def deliver(self) -> None:
        """Tell the client, until `end`."""
        while not self._ended:
            await self._wake.wait()
            self._wake = anyio.Event()
            due, self._due = list(self._due), {}
            for uri in due:
                if self._session is not None and uri in self._uris and not self._ended:
                    await self._session.send_resource_updated(uri)

    def watch(self, session: ServerSession, uri: str) -> None:
        """Raises MCPError beyond what one connection may watch."""
        if len(uri) > _LONGEST or len(self._uris) >= _MOST:
            raise MCPError(INVALID_PARAMS, f"At most {_MOST} resources can be watched.")
        self._session = session
        self._uris.add(uri)
        # Not before: what the client calls itself is not known until it has shaken hands.
        if self._unsubscribe is None:
            self._unsubscribe = self._bus.subscribe(self.note)

    def end(self) -> None:
        """The connection is no more."""
        self._ended = True
        self._wake.set()
        if self._unsubscribe is not None:
            self._unsubscribe()

    def leave(self, uri: str) -> None:
        """Watch it no more."""
        self._uris.discard(uri)


def _events(change: Change) -> Iterator[ServerEvent]:
    if change.board is not None:
        yield from _board_events(change.board)
    for session in change.sessions:
        yield ResourceUpdated(uri=f"memory://scratchpads/{quote(session, safe='')}")
    if not change.ids:
        return
    for name in change.ids:
        yield ResourceUpdated(uri=f"memory://memories/{name}")
        yield ResourceUpdated(uri=f"memory://memories/{name}/history")
    for tier in Tier:
        yield ResourceUpdated(uri=f"memory://tiers/{tier}")
    yield ResourceUpdated(uri="memory://status")


def _board_events(change: BoardChange) -> Iterator[ServerEvent]:
    uri = f"memory://boards/{PRIVATE if change.agent else ''}{change.board}"
    yield ResourceUpdated(uri=uri)
    for key in change.keys:
        yield ResourceUpdated(uri=f"{uri}?key={quote(key, safe='')}")
    yield ResourceUpdated(uri="memory://boards")
