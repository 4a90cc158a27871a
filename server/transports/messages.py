"""Messages of the protocol over lines, in UTF-8 whatever the locale says."""

from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError

from ..access import Caller
from .closing import Closing
from .lines import LinesIn, LinesOut
from .resuming import Resuming
from .server import LociServer
from .streams import GRACE, serve_streams
from .wire import TooLong, decode, encode, too_long

__all__ = ["serve_lines"]


async def serve_lines(
    server: LociServer,
    caller: Caller,
    lines: LinesIn,
    out: LinesOut,
    resuming: Resuming | None = None,
    *,
    grace: float = GRACE,
) -> None:
    """Serve a caller until its lines end and what it asked is answered. Another task runs `out`.

    With `resuming`, marks between the messages say how far all is answered.
    """
    read, write = _Read(lines, out, resuming), _Write(out)
    quiet = None
    if resuming is not None:
        write = quiet = _Marking(lines, out, resuming)
    await serve_streams(server, caller, read, write, quiet=quiet, grace=grace)


class _Read(Closing):
    """Messages from lines. What is none is answered here: the SDK would drop it in silence."""

    def __init__(self, lines: LinesIn, out: LinesOut, resuming: Resuming | None) -> None:
        self._lines = lines
        self._out = out
        self._resuming = resuming

    async def receive(self) -> SessionMessage:
        while True:
            line = await self._lines.next()
            if line is None:
                raise anyio.EndOfStream
            if isinstance(line, bytes) and not line.strip():
                continue
            message = too_long(line) if isinstance(line, TooLong) else decode(line)
            if isinstance(message, SessionMessage):
                if self._resuming is not None:
                    self._resuming.heard(message.message, self._lines.taken)
                return message
            if self._resuming is None or not self._resuming.is_told_again(self._lines.taken):
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

    def __init__(self, out: LinesOut) -> None:
        self._out = out

    async def send(self, item: SessionMessage, /) -> None:
        await self._out.write(encode(item.message))

    async def aclose(self) -> None:
        """The descriptor is closed where it was made."""


class _Marking(_Write):
    """With marks, which tell the shim that nothing is under way (`streams.Quiet`)."""

    def __init__(self, lines: LinesIn, out: LinesOut, resuming: Resuming) -> None:
        super().__init__(out)
        self._lines = lines
        self._resuming = resuming
        self._marked = -1
        self._due = b""

    async def send(self, item: SessionMessage, /) -> None:
        text = b"" if self._resuming.is_repeated(item.message) else encode(item.message)
        text, self._due = text + self._due, b""
        if text:
            await self._out.write(text)

    def with_next(self) -> None:
        self._due = self._mark()

    async def now(self) -> None:
        if mark := self._mark():
            await self._out.write(mark)

    def _mark(self) -> bytes:
        """Empty where it was said already."""
        if self._lines.taken == self._marked:
            return b""
        self._marked = self._lines.taken
        return self._resuming.mark(self._marked)
