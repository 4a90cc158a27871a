"""Bytes of a descriptor, as lines in and out, without a thread where the system can wait for it."""

import os
import stat
import sys
from functools import partial

import anyio
import anyio.to_thread

from .wire import MAX_LINE, TooLong

__all__ = ["LinesIn", "LinesOut", "can_wait"]

_CHUNK = 256 * 1024
_ENDS = 512
"""Bytes kept of both ends of a line that is too long."""


class LinesIn:
    """Reads lines. Whoever gives the descriptor closes it.

    With `whole`, what stands at the end without a line's end is dropped: it was cut off.
    """

    def __init__(self, fd: int, *, whole: bool = False) -> None:
        self._fd = fd
        self._whole = whole
        self._waits = can_wait(fd)
        self._buffer = bytearray()
        self._searched = 0
        self._ended = False
        self.taken = 0
        """Bytes of the lines that were handed out, with their ends."""

    async def next(self) -> bytes | TooLong | None:
        """The next line without its end; None at the end. What stands there without one is a line,
        unless lines are whole."""
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                return self._take(end)
            if self._ended:
                rest = self._buffer and not self._whole
                return self._take(len(self._buffer)) if rest else None
            self._searched = len(self._buffer)
            if self._searched > MAX_LINE:
                return await self._skip()
            await self._fill()

    def _take(self, end: int) -> bytes | TooLong:
        line = bytes(self._buffer[:end])
        self.taken += min(end + 1, len(self._buffer))
        del self._buffer[: end + 1]
        self._searched = 0
        return line if end <= MAX_LINE else TooLong(line[:_ENDS], line[-_ENDS:])

    async def _skip(self) -> TooLong:
        """Read on to the end of the line, and keep no more than its ends."""
        head = bytes(self._buffer[:_ENDS])
        skipped = 0
        while (end := self._buffer.find(b"\n")) < 0 and not self._ended:
            skipped += len(self._buffer[:-_ENDS])
            del self._buffer[:-_ENDS]
            await self._fill()
        end = len(self._buffer) if end < 0 else end
        tail = bytes(self._buffer[max(0, end - _ENDS) : end])
        self.taken += skipped + min(end + 1, len(self._buffer))
        del self._buffer[: end + 1]
        self._searched = 0
        return TooLong(head, tail)

    async def _fill(self) -> None:
        chunk = await self._read()
        self._ended = not chunk
        self._buffer += chunk

    async def _read(self) -> bytes:
        if not self._waits:
            read = partial(os.read, self._fd, _CHUNK)
            return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        while True:
            try:
                return os.read(self._fd, _CHUNK)
            except BlockingIOError:
                await anyio.wait_readable(self._fd)
            except ConnectionError:
                return b""


class LinesOut:
    """Writes lines. None is torn, whoever is cancelled meanwhile."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waits = can_wait(fd)
        self._left = bytearray()
        self._full = anyio.Event()
        self._flushed = anyio.Event()
        self._broken = False

    async def write(self, line: bytes) -> None:
        """Write a line, and wait until it is out.

        Raises:
            BrokenResourceError: nobody reads any more.
        """
        if self._broken:
            raise anyio.BrokenResourceError
        self._left += line
        if self._waits:
            self._push()
        if self._left:
            self._full.set()
            await self.flush()

    async def flush(self) -> None:
        """Wait until all is out. Raises BrokenResourceError."""
        while self._left and not self._broken:
            await self._flushed.wait()
        if self._broken:
            raise anyio.BrokenResourceError

    async def run(self) -> None:
        """Write what did not go out at once, for ever."""
        while True:
            await self._full.wait()
            self._full = anyio.Event()
            while self._left and not self._broken:
                await self._push_later()
            self._flushed.set()
            self._flushed = anyio.Event()

    def _push(self) -> None:
        try:
            while self._left:
                del self._left[: os.write(self._fd, self._left)]
        except BlockingIOError:
            pass
        except OSError:
            self._break()

    async def _push_later(self) -> None:
        if self._waits:
            await anyio.wait_writable(self._fd)
            self._push()
            return
        out, self._left = self._left, bytearray()
        try:
            await anyio.to_thread.run_sync(_write_all, self._fd, out)
        except OSError:
            self._break()

    def _break(self) -> None:
        self._broken = True
        self._left.clear()


def can_wait(fd: int) -> bool:
    """Whether the system says when a descriptor is ready: of pipes and sockets, not of files. A
    terminal could, but its mode is shared with the shell that we were started from."""
    mode = os.fstat(fd).st_mode
    return sys.platform != "win32" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _write_all(fd: int, data: bytearray) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(fd, view[done:])
