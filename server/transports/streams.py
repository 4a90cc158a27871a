"""One connection over a pair of streams, in whichever era of the protocol the client opens with.

What the SDK's loop leaves to whoever owns the streams is done here: a limit on requests under way,
answers to what was accepted before the client closed its end, and a probe that decides nothing.
"""

from typing import Protocol, Self

import anyio
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import (
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from ..access import Caller, Visit, as_caller, visiting
from .closing import Closing
from .leaving import leave
from .server import LociServer

__all__ = ["GRACE", "MOST_UNDER_WAY", "Quiet", "serve_streams"]

MOST_UNDER_WAY = 64
"""Requests of one connection that are worked on at once. The next waits to be read."""

GRACE = 1.5
"""Seconds to answer what was accepted before the end. Hosts kill a server after 2."""


class Quiet(Protocol):
    """Is told whenever everything that was read is dealt with."""

    def with_next(self) -> None:
        """It will be when the next message is out: what hears that message may hear this with it."""

    async def now(self) -> None:
        """It is. May have been told before."""


async def serve_streams(
    server: LociServer,
    caller: Caller,
    read: ReadStream[SessionMessage | Exception],
    write: WriteStream[SessionMessage],
    *,
    quiet: Quiet | None = None,
    grace: float = GRACE,
) -> None:
    """Serve a caller until `read` ends and what it asked is answered. Closes both streams.

    What was accepted before the end has `grace` seconds. The sessions whose scratchpads were written
    are over then.
    """
    flow = _Flow(quiet)
    outlet = _Outlet(write, flow, server)
    visit = Visit()
    with as_caller(caller), server.bus.subscriber() as subscriber, visiting(visit):
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(subscriber.deliver)
                await server.run_streams(_Intake(read, flow, server, outlet, grace), outlet)
                # Lines that were no messages are dealt with, too.
                await flow.settle()
                tasks.cancel_scope.cancel()
        finally:
            await leave(visit)


class _Flow:
    """The requests under way. Ids are compared as text: some clients cancel 7 as "7"."""

    def __init__(self, quiet: Quiet | None) -> None:
        self._under_way: set[str] = set()
        self._asked: set[str] = set()
        self._moved = anyio.Event()
        self._quiet = quiet
        self.in_hand = False
        """Something was read and is not noted yet."""

    @property
    def working(self) -> int:
        """Requests that can end without the client: not those that wait for its word."""
        return len(self._under_way) - len(self._asked)

    async def at_most(self, count: int) -> None:
        """Wait until no more than `count` requests are worked on."""
        while self.working > count:
            self._moved = anyio.Event()
            await self._moved.wait()

    def received(self, item: SessionMessage | Exception) -> None:
        """Note what comes from the client."""
        message = item.message if isinstance(item, SessionMessage) else None
        match message:
            case JSONRPCRequest():
                # A stream of events ends with the connection.
                if message.method != "subscriptions/listen":
                    self._under_way.add(str(message.id))
            case JSONRPCNotification(method="notifications/cancelled", params=params):
                # It gets no answer.
                self._ended(self._under_way, (params or {}).get("requestId"))
            case JSONRPCResponse() | JSONRPCError():
                self._ended(self._asked, message.id)
            case _:
                pass

    def sending(self, item: SessionMessage) -> None:
        """Say so if this is an answer and nothing is left to be done after it."""
        message = item.message
        if self._quiet is None or not isinstance(message, JSONRPCResponse | JSONRPCError):
            return
        if self._under_way <= {str(message.id)} and not (self._asked or self.in_hand):
            self._quiet.with_next()

    def sent(self, item: SessionMessage) -> None:
        """Note what goes to the client."""
        match item.message:
            case JSONRPCResponse() | JSONRPCError():
                self._ended(self._under_way, item.message.id)
            case JSONRPCRequest():
                self._asked.add(str(item.message.id))
                self._moved.set()
            case JSONRPCNotification(method="notifications/cancelled", params=params):
                self._ended(self._asked, (params or {}).get("requestId"))
            case _:
                pass

    async def settle(self) -> None:
        """Say so if nothing is left to be done."""
        if self._quiet is not None and not (self._under_way or self._asked or self.in_hand):
            await self._quiet.now()

    def _ended(self, names: set[str], name: RequestId | None) -> None:
        names.discard(str(name))
        self._moved.set()


class _Outlet(Closing):
    """The way to the client."""

    def __init__(self, write: WriteStream[SessionMessage], flow: _Flow, server: LociServer) -> None:
        self._write = write
        self._flow = flow
        self._server = server

    async def send(self, item: SessionMessage, /) -> None:
        self._flow.sending(item)
        await self._write.send(item)
        self._flow.sent(item)
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._server.answered()
            await self._flow.settle()

    async def aclose(self) -> None:
        await self._write.aclose()


class _Intake(Closing):
    """The way from the client."""

    def __init__(
        self,
        read: ReadStream[SessionMessage | Exception],
        flow: _Flow,
        server: LociServer,
        outlet: _Outlet,
        grace: float,
    ) -> None:
        self._read = read
        self._flow = flow
        self._server = server
        self._outlet = outlet
        self._grace = grace
        self._opened = False

    async def receive(self) -> SessionMessage | Exception:
        while True:
            item = await self._next()
            self._flow.in_hand = True
            if isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCRequest):
                # Cancellations and answers before it have gone through, and make room.
                await self._flow.at_most(MOST_UNDER_WAY - 1)
            self._flow.received(item)
            self._flow.in_hand = False
            if not isinstance(item, SessionMessage) or not isinstance(item.message, JSONRPCRequest):
                await self._flow.settle()
            if not self._is_probe(item):
                return item
            await self._answer_probe(item)

    async def _next(self) -> SessionMessage | Exception:
        try:
            return await self._read.receive()
        except anyio.EndOfStream:
            # At its end the SDK's loop cancels whatever is under way.
            with anyio.move_on_after(self._grace):
                await self._flow.at_most(0)
            raise

    def _is_probe(self, item: SessionMessage | Exception) -> bool:
        """Whether a client only asks which eras are served: the next request decides on one.

        The SDK's loop takes the first request for the decision, and refuses a client that
        discovers first and initializes then.
        """
        if self._opened or not isinstance(item, SessionMessage):
            return False
        message = item.message
        self._opened = isinstance(message, JSONRPCRequest) and message.method != "server/discover"
        return isinstance(message, JSONRPCRequest) and not self._opened

    async def _answer_probe(self, probe: SessionMessage | Exception) -> None:
        asks, read = anyio.create_memory_object_stream[SessionMessage | Exception](1)
        write, answers = anyio.create_memory_object_stream[SessionMessage](1)
        async with asks, answers, anyio.create_task_group() as tasks:
            tasks.start_soon(self._server.run_streams, read, write)
            await asks.send(probe)
            await self._outlet.send(await answers.receive())
            await asks.aclose()

    async def aclose(self) -> None:
        await self._read.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
