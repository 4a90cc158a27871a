"""What a client costs: `python -m pytest -m bench -s tests/benchmarks/test_bench_daemon.py`.

From its spawn to its answered handshake, through the shim and as a server of its own, in turn; walls in
milliseconds, and the CPU seconds of the client's own process. Ratios within one run.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import psutil
import pytest

pytestmark = pytest.mark.bench

ROUNDS = 10
CALLS = 300
LOCI = str(Path(sys.executable).with_name("loci"))
PARAMS = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class Start(NamedTuple):
    """One client, from its spawn to its end."""

    wall: float
    """Milliseconds until its handshake was answered."""
    cpu: float
    """Milliseconds of its own process, in all its life."""
    memory: float
    """Megabytes resident when the handshake was answered."""


class Client:
    """A line out, a line in."""

    def __init__(self, *arguments: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([LOCI, "stdio", *arguments], stdin=pipe, stdout=pipe)
        self._calls = 0

    def ask(self, method: str, **params: object) -> None:
        self._calls += 1
        message = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        self._in.write(json.dumps(message).encode() + b"\n")
        self._in.flush()
        assert b'"result"' in self._out.readline()

    def greet(self) -> None:
        self.ask("initialize", **PARAMS)
        self._in.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        self._in.flush()

    def end(self) -> float:
        """Milliseconds of CPU that it took."""
        self._in.close()
        _, _, used = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        self._out.close()
        return (used.ru_utime + used.ru_stime) * 1e3

    @property
    def _in(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def _out(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout


def start(*arguments: str) -> Start:
    begun = time.perf_counter()
    client = Client(*arguments)
    client.ask("initialize", **PARAMS)
    wall = (time.perf_counter() - begun) * 1e3
    memory = psutil.Process(client.process.pid).memory_info().rss / 1e6
    return Start(wall, client.end(), memory)


@contextmanager
def daemon_of(home: Path) -> Generator[None]:
    """A data directory whose daemon ends with this."""
    home.mkdir(mode=0o700)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            os.kill(json.loads((home / "owner.lock").read_text())["pid"], signal.SIGKILL)


def medians(starts: list[Start]) -> Start:
    return Start(*(statistics.median(column) for column in zip(*starts, strict=True)))


def say(text: str) -> None:
    sys.stdout.write(f"\n{text}")


def test_a_second_client_beside_a_plain_server(tmp_path: Path) -> None:
    with daemon_of(tmp_path / "shared"):
        shared = ("--home", str(tmp_path / "shared"))
        start(*shared)
        second: list[Start] = []
        plain: list[Start] = []
        for number in range(ROUNDS):
            second.append(start(*shared))
            plain.append(start("--in-process", "--home", str(tmp_path / f"own {number}")))
    s, p = medians(second), medians(plain)
    say(f"second client: {s.wall:.1f} ms (at most 60), {s.cpu:.1f} ms CPU, {s.memory:.1f} MB (12)")
    say(f"plain server: {p.wall:.0f} ms, {p.cpu:.0f} ms CPU, {p.memory:.0f} MB")
    say(f"ratio: 1/{p.wall / s.wall:.1f} (at most 1/15)")


def test_the_first_client_beside_a_plain_server(tmp_path: Path) -> None:
    first: list[float] = []
    plain: list[float] = []
    for number in range(ROUNDS):
        with daemon_of(home := tmp_path / f"first {number}"):
            first.append(start("--home", str(home)).wall)
        own = tmp_path / f"own {number}"
        plain.append(start("--in-process", "--home", str(own)).wall)
    f, p = statistics.median(first), statistics.median(plain)
    say(f"first client: {f:.0f} ms, plain server {p:.0f} ms: ratio {f / p:.2f} (at most 1.2)")


def test_a_call_through_the_daemon_beside_a_plain_server(tmp_path: Path) -> None:
    with daemon_of(tmp_path / "shared"):
        through, plain = (
            Client("--home", str(tmp_path / "shared")),
            Client("--in-process", "--home", str(tmp_path / "own")),
        )
        times: dict[Client, list[float]] = {through: [], plain: []}
        for client in times:
            client.greet()
            client.ask("tools/call", name="recall", arguments={"query": "warm"})
        for _ in range(CALLS):
            for client, taken in times.items():
                begun = time.perf_counter()
                client.ask("ping")
                taken.append((time.perf_counter() - begun) * 1e3)
        t, p = (statistics.median(times[client]) for client in (through, plain))
        through.end()
        plain.end()
    say(f"ping: {t:.2f} ms through the daemon, {p:.2f} ms plain: ratio {t / p:.2f}")
