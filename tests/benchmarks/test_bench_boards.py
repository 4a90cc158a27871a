"""Compare-and-swap writes through one daemon, beside bare SQLite in the same run:
`python -m pytest -m bench -s tests/benchmarks/test_bench_boards.py`.

Sessions over the daemon's socket write to cells of their own, each write with the version that the one before
it made, acknowledged after its commit is on the disk. Bare SQLite does the same update in this process,
one commit (and fsync) each, with the same pragmas. Rounds of both take turns; medians are shown.
"""

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from socket import socket
from typing import Any

import psutil
import pytest
from support.daemons import SHIM, Home, a_home

from loci.server.shim import hello

pytestmark = pytest.mark.bench

SESSIONS = 16
IN_FLIGHT = 4
"""Writes of one session at once, to as many cells."""
SECONDS = 4.0
ROUNDS = 3


class Session:
    """One client, by hand: what it costs is not what is measured."""

    def __init__(self, connection: socket, number: int) -> None:
        self.connection = connection
        self._number = number
        self._buffer = b""
        self._versions = [0] * IN_FLIGHT
        self.done = 0
        info = {"name": f"s{number}", "version": "1"}
        nothing: dict[str, object] = {}
        opening = {"protocolVersion": "2025-11-25", "capabilities": nothing, "clientInfo": info}
        self._send(0, "initialize", opening)
        connection.recv(65536)
        connection.sendall(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def swap(self, slot: int) -> None:
        """Write to one of its cells, if it is as it was left."""
        arguments = {
            "board": "bench",
            "key": f"{self._number}/{slot}",
            "value": {"n": self.done},
            "if_version": self._versions[slot],
        }
        call = {"name": "blackboard_write", "arguments": arguments}
        self._send(slot + 1, "tools/call", call)

    def ping(self, slot: int) -> None:
        """What the protocol alone costs."""
        self._send(slot + 1, "ping", {})

    def hear(self) -> list[int]:
        """The slots whose answers came."""
        *lines, self._buffer = (self._buffer + self.connection.recv(262_144)).split(b"\n")
        return [self._answered(json.loads(line)) for line in lines if line.startswith(b"{")]

    def _answered(self, message: dict[str, Any]) -> int:
        slot = message["id"] - 1
        if cell := message["result"].get("structuredContent"):
            assert not message["result"].get("isError"), message
            self._versions[slot] = cell["version"]
        self.done += 1
        return slot

    def _send(self, name: int, method: str, params: Mapping[str, object]) -> None:
        message = {"jsonrpc": "2.0", "id": name, "method": method, "params": params}
        self.connection.sendall(json.dumps(message).encode() + b"\n")


def drive(sessions: list[Session], ask: Callable[[Session, int], None]) -> float:
    """Answers a second, with everybody busy all the time."""
    with DefaultSelector() as selector:
        for one in sessions:
            selector.register(one.connection, EVENT_READ, one)
            for slot in range(IN_FLIGHT):
                ask(one, slot)
        before, begun = sum(one.done for one in sessions), time.perf_counter()
        waiting = len(sessions) * IN_FLIGHT
        while waiting:
            for key, _ in selector.select():
                one: Session = key.data
                for slot in one.hear():
                    if time.perf_counter() - begun < SECONDS:
                        ask(one, slot)
                    else:
                        waiting -= 1
        return (sum(one.done for one in sessions) - before) / (time.perf_counter() - begun)


def bare(path: Path) -> float:
    """The same compare-and-swap without anything around it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        table = "cells (key TEXT PRIMARY KEY, value TEXT, version INTEGER)"
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
        connection.execute("INSERT OR REPLACE INTO cells VALUES ('a', '', 0)")
        swap = "UPDATE cells SET value = ?, version = version + 1 WHERE key = 'a' AND version = ?"
        done, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            connection.execute("BEGIN IMMEDIATE")
            assert connection.execute(swap, (f'{{"n":{done}}}', done)).rowcount == 1
            connection.execute("COMMIT")
            done += 1
        return done / (time.perf_counter() - begun)


def cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def test_swaps_a_second_through_one_daemon(tmp_path: Path) -> None:
    with a_home(tmp_path / "home") as home, ExitStack() as stack:
        command = [*SHIM, "--home", str(home.path)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
        sessions = [Session(connected(home, stack), number) for number in range(SESSIONS)]
        daemon = psutil.Process(home.pid())
        drive(sessions, Session.swap)
        rates: dict[str, list[float]] = {"swap": [], "ping": [], "bare": []}
        used: dict[str, list[float]] = {"swap": [], "ping": []}
        for _ in range(ROUNDS):
            for name, ask in (("swap", Session.swap), ("ping", Session.ping)):
                before, done = cpu(daemon), sum(one.done for one in sessions)
                rates[name].append(drive(sessions, ask))
                count = sum(one.done for one in sessions) - done
                used[name].append((cpu(daemon) - before) / count * 1e3)
            rates["bare"].append(bare(tmp_path / "bare.db"))
    swap, ping, plain = (statistics.median(rates[name]) for name in ("swap", "ping", "bare"))
    each = {name: statistics.median(costs) for name, costs in used.items()}
    sys.stdout.write(
        f"\nswaps: {swap:,.0f}/s through the daemon (at least 500), {each['swap']:.2f} ms of its CPU each"
        f"\nbare SQLite, a commit each: {plain:,.0f}/s; ratio {swap / plain:.1f}"
        f"\nping: {ping:,.0f}/s, {each['ping']:.2f} ms of CPU each; load {psutil.getloadavg()[0]:.1f}\n"
    )


def connected(home: Home, stack: ExitStack) -> socket:
    connection, reply = stack.enter_context(home.knock())
    assert reply.status == hello.OK, reply
    return connection
