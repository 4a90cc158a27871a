"""A shell whose verbs the daemon carries out."""

import itertools
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar, cast

import anyio

from ..access.calls import Answer, call_line
from ..access.verbs import Shell, Verb
from ..errors import LociError
from ..shim.where import LOG
from ..tasks import Ticket

__all__ = ["remote_shell"]

A = TypeVar("A")
P = ParamSpec("P")

_CHUNK = 256 * 1024


@asynccontextmanager
async def remote_shell(connection: socket.socket) -> AsyncGenerator[Shell]:
    """A shell over a connection that the daemon has accepted at the door `verbs`. Closes it.

    Its verbs raise LociError if the daemon ends before they are answered.
    """
    with connection:
        connection.setblocking(False)
        remote = _Remote(connection)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remote.listen)
            yield remote
            tasks.cancel_scope.cancel()


class _Remote:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._tickets: dict[int, Ticket[None, Answer]] = {}
        self._sending = anyio.Lock()
        self._ended = False

    async def __call__(self, verb: Verb[P, A], /, *args: P.args, **kwargs: P.kwargs) -> A:
        number = next(self._numbers)
        line = call_line(number, verb, *args, **kwargs)
        ticket = self._tickets[number] = Ticket[None, Answer](None)
        try:
            async with self._sending:
                await self._send(line)
            if self._ended:
                raise _lost()
            return cast("A", (await ticket.outcome()).of(verb))
        finally:
            del self._tickets[number]

    async def listen(self) -> None:
        """Give each answer to who waits for it, until the daemon ends."""
        buffer = bytearray()
        while chunk := await self._receive():
            whole = b"\n" in chunk
            buffer += chunk
            if whole:
                *lines, rest = bytes(buffer).split(b"\n")
                buffer[:] = rest
                for line in lines:
                    self._hand_out(Answer.read(line))
        self._ended = True
        for ticket in self._tickets.values():
            ticket.fail(_lost())

    def _hand_out(self, answer: Answer) -> None:
        # Nobody waits where the call was cancelled.
        if (ticket := self._tickets.get(answer.number)) is not None:
            ticket.answer(answer)

    async def _send(self, line: bytes) -> None:
        left = memoryview(line)
        while left and not self._ended:
            try:
                left = left[self._connection.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._connection)
            except OSError:
                # What it said last is still to be heard, and then that it has ended.
                return

    async def _receive(self) -> bytes:
        while True:
            try:
                return self._connection.recv(_CHUNK)
            except BlockingIOError:
                await anyio.wait_readable(self._connection)
            except OSError:
                return b""


def _lost() -> LociError:
    return LociError(
        "The daemon ended before it answered: what was asked may or may not have been done. "
        f"See {LOG} in the data directory."
    )
