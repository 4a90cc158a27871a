"""One life of the index worker: questions go out, answers come back in any order."""

import math
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from ..errors import IndexCrashed, IndexDamaged, IndexFailed
from ..tasks import Ticket
from .frames import (
    PREFIX,
    READY,
    Answer,
    Garbled,
    Notice,
    Question,
    Refusal,
    Reply,
    from_answer,
    lengths,
    pack,
    question_frame,
    unpack,
)

__all__ = ["OPENING_SECONDS", "Conversation"]

OPENING_SECONDS = 30.0
"""What an answer may take longer when the worker has to open the index for it."""
_ENDING_SECONDS = 1.0
"""From the end of its output to its own."""
_LINE = 2000
"""Bytes of a line of its standard error that are kept."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A question under way."""

    ticket: Ticket[bytes, Answer]
    patience: anyio.CancelScope

    def settle(self, reply: Reply) -> None:
        """End the wait, or allow more time."""
        match reply:
            case Answer():
                self.ticket.answer(reply)
            case Refusal():
                kind = IndexDamaged if reply.damaged else IndexFailed
                self.ticket.fail(kind(reply.text))
            case Notice():
                self.patience.deadline += OPENING_SECONDS


class Conversation:
    """With one process, from its start to its end."""

    __slots__ = (
        "_asked",
        "_heard",
        "_last_words",
        "_number",
        "_outbox",
        "_over",
        "_pleased",
        "_process",
        "_queue",
        "_why",
        "dismissed",
    )

    def __init__(self, process: Process, pleased: Callable[[], None]) -> None:
        """`pleased` is called with every answer that is not a refusal."""
        assert process.stdout is not None
        self._process = process
        self._pleased = pleased
        self._heard = BufferedByteReceiveStream(process.stdout)
        made = anyio.create_memory_object_stream[Ticket[bytes, Answer]](math.inf)
        self._outbox, self._queue = made
        self._asked: dict[int, _Asked] = {}
        self._number = READY
        self._why = self._last_words = ""
        self._over = False
        self.dismissed = False
        """It was ended because there was nothing to do."""

    @property
    def silent(self) -> bool:
        """Whether nothing is under way, not even for those who no longer wait for it."""
        return not self._asked

    @property
    def doomed(self) -> bool:
        """Whether it was killed: what is asked now would not be answered."""
        return bool(self._why)

    async def greeted(self) -> bool:
        """Whether the worker came to say that it can be asked."""
        try:
            return await self._next() == (READY, Notice(opening=False))
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return False
        except Garbled as error:
            self.condemn(str(error))
            return False

    async def listen(self) -> None:
        """Hand out the answers until the worker ends."""
        try:
            while True:
                self._hand_out(*await self._next())
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return
        except Garbled as error:
            self.condemn(str(error))

    async def speak(self) -> None:
        """Send the questions: one task, so that no cancellation cuts a frame in two."""
        assert self._process.stdin is not None
        # A broken pipe is the worker's end, which whoever listens sees.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for ticket in self._queue:
                await self._process.stdin.send(ticket.item)

    async def record(self) -> None:
        """What it writes to standard error goes to the log."""
        import structlog

        log = structlog.get_logger("loci.index")
        assert self._process.stderr is not None
        rest = b""
        async for piece in self._process.stderr:
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-_LINE:]
            for line in filter(None, lines):
                self._last_words = line[:_LINE].decode(errors="replace")
                log.debug("index worker", line=self._last_words)

    async def ask(self, question: Question, seconds: float) -> Answer:
        """The answer. Raises IndexFailed and IndexDamaged; when time is up, the worker is killed."""
        self._number = number = self._number + 1
        ticket = Ticket[bytes, Answer](pack(question_frame(number, question)))
        with anyio.CancelScope(deadline=anyio.current_time() + seconds) as patience:
            self._asked[number] = _Asked(ticket, patience)
            self._outbox.send_nowait(ticket)
            return await ticket.outcome()
        self.condemn(f"no answer to '{question.op}' in {seconds:g} s")
        raise IndexCrashed(self.why())

    def condemn(self, why: str) -> None:
        """Kill it. The first reason counts."""
        self._why = self._why or why
        if self._process.returncode is None:
            # It may have ended without having been waited for.
            with suppress(ProcessLookupError):
                self._process.kill()

    def dismiss(self) -> None:
        """End it: there is nothing to do."""
        self.dismissed = True
        self.condemn("nothing to do")

    async def end(self, *, at_once: bool = False) -> None:
        """See the process out, or kill it; then fail what is under way."""
        if self._over:
            return
        with anyio.CancelScope(shield=True):
            if not at_once:
                with anyio.move_on_after(_ENDING_SECONDS):
                    await self._process.wait()
            if self._process.returncode is None:
                self.condemn("shut down" if at_once else "it closed its output")
            await self._process.wait()
        self._over = True
        self._outbox.close()
        self._queue.close()
        for asked in self._asked.values():
            asked.ticket.fail(IndexCrashed(self.why()))

    def why(self) -> str:
        """Why it ended."""
        return f"the index worker ended: {self._why or self._status()}"

    def _hand_out(self, number: int, reply: Reply) -> None:
        asked = self._asked.get(number)
        if asked is not None:
            asked.settle(reply)
        if not isinstance(reply, Notice):
            self._asked.pop(number, None)
        if isinstance(reply, Answer):
            self._pleased()

    async def _next(self) -> tuple[int, Reply]:
        sizes = lengths(await self._heard.receive_exactly(PREFIX))
        header, ids, vectors = [await self._heard.receive_exactly(size) for size in sizes]
        return from_answer(unpack(header, ids, vectors))

    def _status(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit status {code}" + (f", {self._last_words}" if self._last_words else "")
