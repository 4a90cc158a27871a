"""Connections to a socket of the file system: accepted, greeted, served, and drained in the end."""

import logging
import socket
from contextlib import suppress
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from ..shim.hello import GONE, OK, REFUSED
from .greeting import Guest, Hello, Refusal, is_of_our_user, read_hello
from .lines import LinesIn, LinesOut

__all__ = ["Gone", "Listener", "Reception"]

_GREETING = 10.0
"""Seconds for a guest to say who it is."""
_DRAINING = 12.0
"""Seconds to answer what all guests asked before `close`."""
_LAST = 1.0
"""Seconds for a guest to take the last answers."""
_SCARCE = 0.1
"""Seconds until the next try where there was no descriptor left for a connection."""

# The standard library's: structlog takes longer to import than a handshake may take.
_log = logging.getLogger("loci.daemon")


class Gone(Exception):
    """The guest is not served, for the daemon leaves; it is to start another."""


class Reception(Protocol):
    """Decides who is served, and serves."""

    def receive(self, hello: Hello) -> Guest:
        """Raises Refusal, Gone."""
        ...

    async def serve(self, guest: Guest, lines: LinesIn, out: LinesOut) -> None:
        """Until its lines end and what it asked is answered."""
        ...


class Listener:
    """Accepts guests on a listening socket, until it is closed and the last of them is served."""

    def __init__(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._accepting = anyio.CancelScope()
        self._connections: set[socket.socket] = set()
        self._came = anyio.Event()
        self._emptied = anyio.Event()
        self.guests: set[Guest] = set()

    @property
    def connected(self) -> int:
        """How many connections there are; those too that have not said who they are."""
        return len(self._connections)

    async def empty_for(self, seconds: float) -> None:
        """Wait until nobody has been connected for so long."""
        while True:
            while self._connections:
                self._emptied = anyio.Event()
                await self._emptied.wait()
            self._came = anyio.Event()
            with anyio.move_on_after(seconds):
                await self._came.wait()
                continue
            return

    async def run(self, reception: Reception) -> None:
        """Serve until `close`, and then until all that was asked is answered."""
        async with anyio.create_task_group() as tasks:
            with self._accepting:
                while True:
                    await anyio.wait_readable(self._listening)
                    await self._accept(tasks, reception)
            # One that does not take its answers never comes to the end of what it asked.
            tasks.cancel_scope.deadline = anyio.current_time() + _DRAINING

    def close(self) -> None:
        """Accept nobody any more, and let those who are there ask nothing new."""
        self._accepting.cancel()
        self._listening.close()
        for connection in self._connections:
            # What they have sent is still read; then it looks as if they had closed their end.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    async def _accept(self, tasks: TaskGroup, reception: Reception) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            _log.warning("a connection cannot be accepted: %s", error)
            await anyio.sleep(_SCARCE)
            return
        self._connections.add(connection)
        self._came.set()
        tasks.start_soon(self._serve, connection, reception)

    async def _serve(self, connection: socket.socket, reception: Reception) -> None:
        connection.setblocking(False)
        try:
            with connection:
                await self._converse(connection, reception)
        except* (OSError, anyio.BrokenResourceError):
            # It is gone, and nobody else is concerned.
            _log.debug("a client vanished")
        except* Exception:  # noqa: BLE001 - a mistake with one client must not end the others
            _log.exception("a connection failed")
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._emptied.set()

    async def _converse(self, connection: socket.socket, reception: Reception) -> None:
        if not is_of_our_user(connection):
            _log.warning("a process of another user was turned away")
            return
        lines, out = LinesIn(connection.fileno(), whole=True), LinesOut(connection.fileno())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(out.run)
            guest = await _greet(reception, lines, out)
            if guest is not None:
                self.guests.add(guest)
                try:
                    await reception.serve(guest, lines, out)
                finally:
                    self.guests.discard(guest)
            with anyio.move_on_after(_LAST):
                await out.flush()
            tasks.cancel_scope.cancel()


async def _greet(reception: Reception, lines: LinesIn, out: LinesOut) -> Guest | None:
    """Hear a hello, and answer it. None: this one is not served."""
    with anyio.move_on_after(_GREETING):
        line = await lines.next()
        if not isinstance(line, bytes):
            return None
        # From here on the client counts its bytes.
        lines.taken = 0
        try:
            guest = reception.receive(read_hello(line))
        except Refusal as refusal:
            await out.write(REFUSED + b" " + _plain(str(refusal)))
        except Gone:
            await out.write(GONE + b"\n")
        else:
            await out.write(OK + b" " + _plain(guest.notice))
            return guest
    return None


def _plain(text: str) -> bytes:
    return " ".join(text.split()).encode() + b"\n"
