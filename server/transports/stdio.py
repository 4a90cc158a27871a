"""MCP over the standard streams, in UTF-8 whatever the locale says."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError

from ..access import Caller
from .closing import Closing
from .lines import LinesIn, LinesOut, can_wait
from .server import LociServer
from .streams import serve_streams
from .wire import TooLong, decode, encode, too_long

__all__ = ["serve_stdio"]

_GRACE = 1.0
"""Seconds for a client to take the last answers."""


async def serve_stdio(server: LociServer, caller: Caller) -> None:
    """Serve standard input and output until the input ends and what it asked is answered.

    Meanwhile descriptor 0 is empty and descriptor 1 is standard error, so that nothing else can
    take from the protocol or print into it.
    """
    with _diverted(0, os.devnull) as wire_in, _diverted(1, None) as wire_out:
        lines = LinesOut(wire_out)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lines.run)
            await serve_streams(server, caller, _Read(LinesIn(wire_in), lines), _Write(lines))
            with anyio.move_on_after(_GRACE):
                await lines.flush()
            tasks.cancel_scope.cancel()


class _Read(Closing):
    """Messages from lines. What is none is answered here: the SDK would drop it in silence."""

    def __init__(self, lines: LinesIn, out: LinesOut) -> None:
        self._lines = lines
        self._out = out

    async def receive(self) -> SessionMessage:
        while True:
            line = await self._lines.next()
            if line is None:
                raise anyio.EndOfStream
            if isinstance(line, bytes) and not line.strip():
                continue
            message = too_long(line) if isinstance(line, TooLong) else decode(line)
            if isinstance(message, SessionMessage):
                return message
            await self._refuse(message)

    async def _refuse(self, error: JSONRPCError) -> None:
        try:
            await self._out.write(encode(error))
        except anyio.BrokenResourceError:
            raise anyio.EndOfStream from None

    async def aclose(self) -> None:
        """The descriptor is closed where it was made."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None


class _Write(Closing):
    """Messages to lines."""

    def __init__(self, lines: LinesOut) -> None:
        self._lines = lines

    async def send(self, item: SessionMessage, /) -> None:
        await self._lines.write(encode(item.message))

    async def aclose(self) -> None:
        """The descriptor is closed where it was made."""


@contextmanager
def _diverted(fd: int, to: str | None) -> Generator[int]:
    """The wire behind a standard descriptor, which meanwhile is another file or standard error."""
    sys.stdout.flush()
    wire = os.dup(fd)
    other = os.dup(2) if to is None else os.open(to, os.O_RDONLY)
    os.dup2(other, fd)
    os.close(other)
    # The mode is the pipe's and not the descriptor's: whoever shares it gets it back.
    mode = os.get_blocking(wire) if can_wait(wire) else None
    if mode is not None:
        os.set_blocking(wire, False)
    try:
        yield wire
    finally:
        # What was printed meanwhile and not written yet must not reach the wire.
        sys.stdout.flush()
        if mode is not None:
            os.set_blocking(wire, mode)
        os.dup2(wire, fd)
        os.close(wire)
