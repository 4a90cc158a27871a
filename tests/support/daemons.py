"""Data directories with a real daemon, that shims start and nothing survives."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import psutil

from loci import __version__
from loci.server.home import current_owner
from loci.server.shim import hello
from loci.server.shim.where import LOG, SOCKET, at

from .wires import Era, Wire, running

__all__ = ["PATIENCE", "SHIM", "Home", "a_home", "ending", "environment", "until"]

SHIM = (sys.executable, "-m", "loci.server", "stdio")
PATIENCE = 60.0
"""Seconds for what takes one when nobody else needs the machine."""
_LOOK = 0.005


class Home:
    """A data directory, and the daemons that were started on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def shim(
        self,
        *flags: str,
        era: Era = "legacy",
        env: Mapping[str, str] | None = None,
        seconds: float = PATIENCE,
    ) -> AbstractAsyncContextManager[Wire]:
        """A client that has not said anything yet, started with these flags and variables."""
        return self._shim(flags, era, env or {}, seconds)

    def client(
        self, *flags: str, era: Era = "legacy", env: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Wire]:
        """A client that has shaken hands."""
        return self._client(flags, era, env or {})

    @asynccontextmanager
    async def _shim(
        self, flags: tuple[str, ...], era: Era, env: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[Wire]:
        command = [*SHIM, "--home", str(self.path), *flags]
        async with running(
            command, env=environment(env), stderr=subprocess.PIPE, seconds=seconds
        ) as process:
            yield Wire(process, era)

    @asynccontextmanager
    async def _client(
        self, flags: tuple[str, ...], era: Era, env: Mapping[str, str]
    ) -> AsyncGenerator[Wire]:
        async with self.shim(*flags, era=era, env=env) as wire:
            await wire.open()
            yield wire

    def daemons(self) -> list[psutil.Process]:
        """Those that are there, also those that only start; by their command line."""
        found = psutil.process_iter(["cmdline"])
        return [one for one in found if self._is_daemon(one.info["cmdline"] or [])]

    def _is_daemon(self, command: list[str]) -> bool:
        return command[-4:-2] == ["--home", str(self.path)] and "daemon" in command

    def pid(self) -> int:
        """The daemon that holds the directory."""
        owner = current_owner(self.path)
        assert owner is not None
        assert owner.command == "loci daemon"
        return owner.pid

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        with self.knock("status") as (connection, reply):
            assert reply.status == hello.OK, reply.text
            with connection.makefile("rb") as answer:
                return json.loads(answer.readline())

    @contextmanager
    def knock(
        self, door: str = "mcp", version: str = __version__, flags: Mapping[str, str] | None = None
    ) -> Generator[tuple[socket.socket, hello.Reply]]:
        """Greet the daemon by hand. Blocks: its process answers, not ours."""
        with self.connected() as connection:
            reply = hello.greet(
                connection, version=version, door=door, flags=dict(flags or {}), environment={}
            )
            yield connection, reply

    @contextmanager
    def connected(self) -> Generator[socket.socket]:
        """A connection on which nothing was said yet."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            with at(str(self.path)):
                connection.connect(SOCKET)
            yield connection

    async def kill(self) -> int:
        """Kill the daemon as `kill -9` does, and wait until it is gone. Returns its id."""
        return await self._signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Tell the daemon to end, and wait until it has. Returns its id."""
        return await self._signal(signal.SIGTERM)

    async def _signal(self, how: signal.Signals) -> int:
        pid = self.pid()
        async with ending(pid):
            os.kill(pid, how)
        return pid

    def log(self) -> str:
        """What daemons wrote to their log."""
        with suppress(FileNotFoundError):
            return (self.path / LOG).read_text(encoding="utf-8")
        return ""

    def end(self) -> None:
        """Leave no daemon behind."""
        until_when = time.monotonic() + PATIENCE
        while daemons := self.daemons():
            for one in daemons:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            assert time.monotonic() < until_when, daemons
            time.sleep(_LOOK)


@contextmanager
def a_home(path: Path, **settings: object) -> Generator[Home]:
    """A data directory with a file of settings, `embedder = "hash"` among them.

    No daemon of it is left in the end, and none of them may have failed in a way that it only logs.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = {"embedder": "hash", **settings}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in given.items()]
    (path / "loci.toml").write_text("".join(lines), encoding="utf-8")
    home = Home(path)
    try:
        yield home
    finally:
        home.end()
    assert "Traceback" not in home.log(), home.log()


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a shim finds: nothing that Loci reads, unless it is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCI_")}
    return {**kept, "PYTHONWARNINGS": "error", **more}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - of another process there is no event
            await anyio.sleep(_LOOK)


@asynccontextmanager
async def ending(pid: int) -> AsyncGenerator[None]:
    """Wait in the end until a process is gone with all its threads, and all that it held is closed.

    Of a process that is no child of ours, only Linux says when that is.
    """
    if sys.platform != "linux":
        yield
        await until(lambda: not psutil.pid_exists(pid))
        return
    descriptor = os.pidfd_open(pid)
    try:
        yield
        with anyio.fail_after(PATIENCE):
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
