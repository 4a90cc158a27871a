"""A client's bytes through one daemon after another, however they are cut and whoever dies when.

The shim's passage runs in a process of its own; a host and its daemons are played by this one. They
take their steps in any order, and as much as the pipes take just then.
"""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from loci.server.shim.marks import mark

CHILD = Path(__file__).with_name("passage_child.py")
LENGTH = 12
SECONDS = 30.0
OPENING = 2
"""Lines that a new daemon is told again."""

STEPS = (
    *("line", "line", "line", "settle", "settle", "settle", "settle", "die", "die"),
    *("say", "hear", "read", "answer", "flush", "leave", "bind"),
)
steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from((1, 7, 100, 5000, 300_000))),
    min_size=15,
    max_size=50,
)
lines = st.lists(st.sampled_from((1, 30, 5000, 200_000)), min_size=2, max_size=12)


class Daemon:
    """Plays one: reads lines, answers them in order, and says how far all is answered."""

    def __init__(self, resumed: int, base: int, opening: list[int]) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.resumed = resumed
        self.base = base
        """Where in the client's stream it goes on after what it is told again."""
        self.heard = b""
        self.sent = b""
        self.marked, self.bound, self.told_bound = resumed, False, False
        self.dead = self.ended = self.harmed = False
        self._opening = opening
        self._answered = 0
        self._due = b""

    @property
    def position(self) -> int:
        """In the client's stream: so far it has said that all is dealt with."""
        return self.base + self.marked - self.resumed

    def read(self, count: int) -> None:
        with suppress(BlockingIOError, ConnectionError):
            part = self.near.recv(count)
            self.heard += part
            self.ended = self.ended or not part

    def answer(self, length: int) -> bool:
        """Answer a line, if there is one, and say so if it is the last."""
        end = self.heard.find(b"\n", self._answered) + 1
        if not end:
            return False
        self._answered = end
        if end > self.resumed:
            self._due += b"x" * length + b"\n"
        if b"\n" not in self.heard[end:]:
            self._due += mark(end, -1 if self.bound else self.opening(end))
        return True

    def opening(self, dealt_with: int) -> int:
        """How much of what was dealt with is the opening."""
        return max((end for end in self._opening if end <= dealt_with), default=0)

    def flush(self, count: int) -> None:
        with suppress(BlockingIOError, ConnectionError):
            sent = self.near.send(self._due[:count])
            self.sent += self._due[:sent]
            self._due = self._due[sent:]
        self._note()

    def _note(self) -> None:
        """What the last whole mark says."""
        start = self.sent.rfind(b"\0", 0, self.sent.rfind(b"\n") + 1)
        if start >= 0:
            dealt_with, opening = self.sent[start + 1 :].split(b"\n")[0].split()
            self.marked, self.told_bound = int(dealt_with), opening == b"-1"

    @property
    def idle(self) -> bool:
        return not self._due and b"\n" not in self.heard[self._answered :]

    def leave(self) -> None:
        """Take no more; what was sent is still read."""
        self.harmed = True
        with suppress(OSError):
            self.near.shutdown(socket.SHUT_RD)

    def die(self) -> None:
        self.dead = True
        self.near.close()

    def said(self) -> bytes:
        """What of its bytes are the client's."""
        clean = b""
        for line in self.sent.splitlines(keepends=True):
            clean += b"" if line.startswith(b"\0") else line
        return clean


class World:
    """The host, the shim's process and the daemons."""

    def __init__(self, control: socket.socket, lengths: list[int]) -> None:
        texts = [b"open\n"] * OPENING + [b"%d " % n + b"a" * n + b"\n" for n in lengths]
        self.stream = b"".join(texts)
        self.openings = [5 * number for number in range(1, OPENING + 1)]
        self.written = 0
        self.heard = b""
        self.end = ""
        self._control = control
        self._words = b""
        stdin, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        os.set_blocking(self._stdin, False)
        os.set_blocking(self._stdout, False)
        self._closed = False
        self.daemons = [Daemon(0, 0, self.openings)]
        first = self.daemon.far
        socket.send_fds(control, [b"r"], [stdin, stdout, first.fileno()])
        for descriptor in (stdin, stdout):
            os.close(descriptor)
        first.close()

    @property
    def daemon(self) -> Daemon:
        return self.daemons[-1]

    def take(self, step: str, count: int) -> None:
        daemon = self.daemon
        match step:
            case "say":
                self.say(count)
            case "line":
                self.say(self.stream.find(b"\n", self.written) + 1 - self.written)
            case "hear":
                self.hear(count)
            case _ if daemon.dead:
                pass
            case "read":
                daemon.read(count)
            case "answer":
                daemon.answer(count)
            case "flush":
                daemon.flush(count)
            case "leave":
                daemon.leave()
            case "bind":
                daemon.bound = True
            case "settle":
                self.settle()
            case _:
                daemon.harmed = True
                daemon.die()
        self.listen()

    def settle(self) -> None:
        """Give everybody the time to do what there is to be done."""
        for _ in range(20):
            if self.daemon.position == self.written or self.end:
                break
            self.listen()
            self.hear(1 << 20)
            self._serve()
            select.select([self._control, self._stdout], [], [], 0.0005)

    def say(self, count: int) -> None:
        with suppress(BlockingIOError, BrokenPipeError):
            self.written += os.write(self._stdin, self.stream[self.written : self.written + count])

    def hear(self, count: int) -> None:
        with suppress(BlockingIOError):
            self.heard += os.read(self._stdout, count)

    def listen(self) -> None:
        """What the shim's process says."""
        with suppress(BlockingIOError):
            self._words += self._control.recv(1024, socket.MSG_DONTWAIT)
        while len(self._words) >= LENGTH:
            word, _, number = self._words[:LENGTH].decode().strip().partition(" ")
            self._words = self._words[LENGTH:]
            if word == "more":
                self.daemons.append(Daemon(int(number), self.daemon.position, self.openings))
                with self.daemon.far as far:
                    socket.send_fds(self._control, [b"c"], [far.fileno()])
            else:
                self.end = word

    def finish(self) -> None:
        """The host says no more, and everybody does what is left to be done."""
        until = time.monotonic() + SECONDS
        self.close()
        while not self.end:
            assert time.monotonic() < until, "the shim does not end"
            self.listen()
            self.hear(1 << 20)
            self._serve()
            select.select([self._control, self._stdout], [], [], 0.0005)
        while part := os.read(self._stdout, 1 << 20):
            self.heard += part
        os.close(self._stdout)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._stdin)

    def _serve(self) -> None:
        daemon = self.daemon
        if daemon.dead:
            return
        daemon.read(1 << 20)
        while daemon.answer(3):
            pass
        daemon.flush(1 << 20)
        if daemon.ended and daemon.idle:
            daemon.die()

    def check(self) -> None:
        whole = self.stream[: self.written]
        whole += b"" if whole.endswith(b"\n") or not whole else b"\n"
        for before, daemon in zip([None, *self.daemons], self.daemons, strict=False):
            told, new = daemon.heard[: daemon.resumed], daemon.heard[daemon.resumed :]
            assert self.stream[: daemon.resumed].startswith(told)
            # Goes on where the last one ended: nothing is said twice, and nothing left out.
            assert whole[daemon.base :].startswith(new)
            if before is not None:
                assert daemon.resumed == before.opening(before.marked)
                assert not before.told_bound
        assert self.heard == b"".join(one.said() for one in self.daemons)
        if self.end == "done":
            assert self.daemon.position == len(whole)
        else:
            assert self.daemon.harmed
            assert self.daemon.position < len(whole) or self.daemon.told_bound


@contextmanager
def passing() -> Generator[socket.socket]:
    """The process that runs passages, by the socket that it is told of them on."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(CHILD), str(theirs.fileno())]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as child:
        theirs.close()
        try:
            yield ours
        finally:
            child.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="no descriptor can be passed there")
def test_all_that_is_answered_arrives_once_and_nothing_is_asked_twice() -> None:
    with passing() as control:

        @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(lines, steps)
        def play(lengths: list[int], script: list[tuple[str, int]]) -> None:
            world = World(control, lengths)
            for step, count in script:
                world.take(step, count)
            world.finish()
            world.check()

        play()
