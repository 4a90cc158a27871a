"""Passing bytes between the client's pipes and the daemon, and from one daemon to the next."""

import _socket
import os
import select

from .client import Client
from .marks import Marks

__all__ = ["Lost", "Passage"]

_CHUNK = 256 * 1024
_PIPE = 4096
"""Bytes that a pipe takes without blocking when it says that it takes any (PIPE_BUF)."""
_OPENING = 256 * 1024
"""Bytes of the client's beginning that are kept, for the next daemon."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Lost(Exception):
    """The daemon ended with something under way: nobody can say what became of it."""


class Passage:
    """One client's bytes, in both directions at once; neither waits for the other.

    When the daemon ends while nothing is under way, the client's next word starts another, which is
    told how the client had opened and is not asked for the answers to that again.
    """

    def __init__(self, connection: _socket.socket, client: Client) -> None:
        self._connection: _socket.socket | None = connection
        self._client = client
        self._marks = Marks()
        self._opening = b""
        self._sent = 0
        """To this daemon; what it says of its progress is counted so."""
        self._inward: memoryview[int] = memoryview(b"")
        self._outward: memoryview[int] = memoryview(b"")
        self._whole = True
        """The client's last line has its end."""
        self._ended = False
        """The client has closed its end."""
        self._deaf = False
        """The daemon takes no more; what it has said is still to come."""

    def run(self) -> None:
        """Pass bytes on until the client has closed its end and all is answered, or reads no more.

        Raises:
            Lost: the daemon ended, and a new one cannot take its place unnoticed.
        """
        while not self._done():
            if self._connection is None and self._inward:
                self._resume()
            poll = select.poll()
            for descriptor, events in self._wanted().items():
                poll.register(descriptor, events)
            for descriptor, events in poll.poll():
                if not self._handle(descriptor, events):
                    return

    def _done(self) -> bool:
        """Whether nothing can come any more."""
        return self._connection is None and self._ended and not (self._inward or self._outward)

    def _wanted(self) -> dict[int, int]:
        """What is waited for. Each side is read when what it sent before is passed on."""
        wanted: dict[int, int] = {}
        if not self._inward and not self._ended:
            wanted[0] = select.POLLIN
        # Without a wish, what is noticed is that nobody reads any more.
        wanted[1] = select.POLLOUT if self._outward else 0
        if self._connection is not None:
            events = select.POLLOUT if self._inward and not self._deaf else 0
            events |= 0 if self._outward else select.POLLIN
            if events:
                wanted[self._connection.fileno()] = events
        return wanted

    def _handle(self, descriptor: int, events: int) -> bool:
        """Whether to go on."""
        if descriptor == 0:
            self._read()
        elif descriptor == 1:
            return self._write(events)
        elif self._connection is not None:
            if events & select.POLLOUT:
                self._send(self._connection)
            if events & ~select.POLLOUT and not self._outward:
                self._receive(self._connection)
        return True

    def _read(self) -> None:
        try:
            chunk = os.read(0, _CHUNK)
        except OSError:
            # A terminal that hung up, or none was ever there.
            chunk = b""
        self._ended = not chunk
        if self._ended and not self._whole:
            # To the daemon a line without its end is one that was cut off.
            chunk = b"\n"
        self._whole = not chunk or chunk.endswith(b"\n")
        self._inward = memoryview(chunk)
        if not chunk:
            self._end()

    def _end(self) -> None:
        """Tell the daemon that the client has said all."""
        if self._connection is not None:
            try:
                self._connection.shutdown(_socket.SHUT_WR)
            except OSError:
                self._deaf = True

    def _write(self, events: int) -> bool:
        if events & select.POLLOUT and self._outward:
            try:
                written = os.write(1, self._outward[:_PIPE])
            except OSError:
                return False
            self._outward = self._outward[written:]
        return not events & _GONE

    def _send(self, connection: _socket.socket) -> None:
        try:
            sent = connection.send(self._inward, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            self._deaf = True
            return
        if self._sent == len(self._opening) < _OPENING:
            self._opening += bytes(self._inward[:sent])
        self._sent += sent
        self._inward = self._inward[sent:]
        if self._ended and not self._inward:
            self._end()

    def _receive(self, connection: _socket.socket) -> None:
        try:
            chunk = connection.recv(_CHUNK)
        except OSError:
            return self._leave()
        if not chunk:
            return self._leave()
        self._outward = memoryview(self._marks.strip(chunk))

    def _leave(self) -> None:
        """The daemon ended. Raises Lost: in the midst of something."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        answered = self._marks.dealt_with == self._sent
        resumable = 0 <= self._marks.opening <= len(self._opening)
        if not answered or not (resumable or self._ended):
            raise Lost

    def _resume(self) -> None:
        """Go on with a new daemon: tell it what it must know, and what the client says now."""
        self._opening = self._opening[: self._marks.opening]
        connection = self._client.greeted(len(self._opening))
        self._connection = connection
        self._deaf = False
        try:
            connection.sendall(self._opening)
        except OSError:
            # It has ended already: the next one will be told.
            self._deaf = True
        self._sent = len(self._opening)
        self._marks.restart(self._sent)
