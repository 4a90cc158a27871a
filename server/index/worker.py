"""Supervision of the index worker: started when something is asked, ended when idle, replaced when it
crashes or hangs. What it writes to standard error goes to the log."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
from anyio.abc import Process

from ..errors import IndexFailed
from .conversation import Conversation
from .frames import Answer, Question

__all__ = ["PROGRAM", "Worker"]

PROGRAM = (sys.executable, "-P", "-m", "loci.server.index.process")
"""Not isolated by -I: that would miss a package that was installed for one user."""

_FIRST_BREAK, _LONGEST_BREAK = 0.1, 30.0
"""Seconds from a crash to the next start; they double with each."""
_GRACE = 5.0
"""Seconds beyond a start's limit after which nobody is thought to run the worker."""
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
"""Chroma takes any variable with the name of one of its settings as that setting."""
_SET = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}
_LAST_WORDS = 1.0


class Worker:
    """The index worker, as those who ask it see it: always there, sometimes failing."""

    __slots__ = (
        "_break_until",
        "_changed",
        "_command",
        "_ended",
        "_failures",
        "_idle_seconds",
        "_now",
        "_start_seconds",
        "_used",
        "_wanted",
        "_why",
    )

    def __init__(
        self,
        *,
        niceness: int = 0,
        idle_seconds: float | None = None,
        start_seconds: float = 60,
        command: Sequence[str] = PROGRAM,
    ) -> None:
        """`niceness` is handed to the command as its last argument."""
        self._command = (*command, str(niceness))
        self._idle_seconds = idle_seconds
        self._start_seconds = start_seconds
        self._now: Conversation | None = None
        self._wanted = anyio.Event()
        self._changed = anyio.Event()
        self._ended = False
        self._failures = 0
        self._break_until = 0.0
        self._why = ""
        self._used = 0.0

    @property
    def running(self) -> bool:
        """Whether there is a process now: if not, it has no files open."""
        return self._now is not None

    async def run(self) -> None:
        """Keep it, until cancelled: then the process is killed and reaped."""
        try:
            while True:
                await self._wanted.wait()
                await self._live()
                # Whoever waits looks again, and wants it again unless there is a break.
                self._wanted = anyio.Event()
                self._notify()
        finally:
            self._ended = True
            self._notify()

    async def ask(self, question: Question, *, seconds: float) -> Answer:
        """The answer, from a process that is started if there is none; the seconds count from its
        being there. Raises IndexFailed: it crashed (this may have been why), it did not answer in
        time and was killed, its break after a crash is not over, or Chroma refuses; IndexDamaged."""
        conversation = await self._present()
        self._used = anyio.current_time()
        try:
            return await conversation.ask(question, seconds)
        finally:
            self._used = anyio.current_time()

    async def _present(self) -> Conversation:
        with anyio.move_on_after(self._start_seconds + _GRACE):
            while (now := self._now) is None or now.doomed:
                self._check()
                self._wanted.set()
                await self._changed.wait()
            return now
        raise IndexFailed("the index worker did not start: nobody runs it")

    def _check(self) -> None:
        if self._ended:
            raise IndexFailed("the index worker was shut down")
        left = self._break_until - anyio.current_time()
        if left > 0:
            raise IndexFailed(f"{self._why}; it is started again in {max(left, 0.1):.1f} s")

    async def _live(self) -> None:
        """One process, from its start to its end."""
        try:
            process = await _started(self._command)
        except OSError as error:
            self._pause(f"the index worker cannot be started: {error}")
            return
        conversation = Conversation(process, self._pleased)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(conversation.record)
                await self._converse(conversation)
                await conversation.end()
                # Whoever else holds its standard error is not waited for.
                tasks.cancel_scope.deadline = anyio.current_time() + _LAST_WORDS
        finally:
            self._now = None
            await conversation.end(at_once=True)
            await process.aclose()
        if not conversation.dismissed:
            self._pause(conversation.why())

    async def _converse(self, conversation: Conversation) -> None:
        with anyio.move_on_after(self._start_seconds) as patience:
            if not await conversation.greeted():
                return
        if patience.cancelled_caught:
            conversation.condemn(f"it was not ready in {self._start_seconds:g} s")
            return
        self._now, self._used = conversation, anyio.current_time()
        self._notify()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(conversation.speak)
            tasks.start_soon(self._watch, conversation)
            await conversation.listen()
            self._now = None
            tasks.cancel_scope.cancel()

    async def _watch(self, conversation: Conversation) -> None:
        """End it when nothing was asked for so long."""
        if self._idle_seconds is None:
            return
        while True:
            left = self._used + self._idle_seconds - anyio.current_time()
            if left <= 0 and conversation.silent:
                self._now = None
                conversation.dismiss()
                return
            await anyio.sleep(left if left > 0 else self._idle_seconds)

    def _pleased(self) -> None:
        self._failures = 0
        self._used = anyio.current_time()

    def _pause(self, why: str) -> None:
        """Start no other for a while."""
        import structlog

        seconds = min(_FIRST_BREAK * 2 ** min(self._failures, 16), _LONGEST_BREAK)
        self._failures += 1
        self._why = why
        self._break_until = anyio.current_time() + seconds
        log = structlog.get_logger("loci.index")
        log.warning("index worker failed", why=why, seconds=seconds)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


async def _started(command: Sequence[str]) -> Process:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # Chroma reads a file `.env` where it is started.
    folder = Path(__file__).parent
    return await anyio.open_process(command, cwd=folder, env=passed | _SET)
