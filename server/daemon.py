"""The daemon: one process that owns a data directory and serves every client of it.

A composition root beside `app`, which it runs behind a socket. Clients' shims start it
(`shim.start`); it leaves when nobody has been connected for a while, when it is told to, or when a
newer version comes while nobody else is there.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

# By its full name: type checkers see the folders, whose common parent is only `loci` installed.
from loci import __version__

from .access import Caller
from .app import App, open_app
from .client_settings import settings_of_client
from .errors import SettingsError, StoreError
from .home import DAEMON
from .model import iso, utc_now
from .settings import Settings
from .shim.where import SOCKET, STARTING, at
from .tasks import task_group
from .telemetry import keep_log_small
from .transports import (
    Gone,
    Guest,
    Hello,
    LinesIn,
    LinesOut,
    Listener,
    LociServer,
    Refusal,
    Resuming,
    build_server,
    is_newer,
    serve_lines,
    serve_verbs,
)

if TYPE_CHECKING:
    from ..tools import Profile

__all__ = ["Daemon", "listen", "run_daemon"]

_GRACE = 10.0
"""Seconds to answer what was accepted before a client or the daemon ended."""
_BACKLOG = 128


async def run_daemon(settings: Settings, *, on_ready: Callable[[], None]) -> None:
    """Serve until it is time to leave. The directory is owned meanwhile.

    Raises:
        StoreBusy: another process owns it.
        StoreError: it cannot be used.
    """
    async with open_app(settings, command=DAEMON) as app:
        daemon = Daemon(app, settings, Listener(listen(settings)))
        on_ready()
        async with task_group() as tasks:
            tasks.start_soon(daemon.leave_on_signal)
            tasks.start_soon(daemon.leave_when_idle)
            tasks.start_soon(keep_log_small, settings.home)
            await daemon.listener.run(daemon)
            tasks.cancel_scope.cancel()


def listen(settings: Settings) -> socket.socket:
    """The daemon's socket. Raises StoreError: there can be none."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with at(str(settings.home)):
            # We own the directory: a socket that is there was left behind by one that was killed.
            with suppress(FileNotFoundError):
                Path(SOCKET).unlink()
            listening.bind(SOCKET)
            listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise StoreError(
            f"There can be no socket in {settings.home} ({error.strerror}). Use a --home on a local "
            "disk, or --in-process."
        ) from error
    finally:
        os.umask(before)
    return listening


class Daemon:
    """Receives guests (`transports.Reception`) and knows when to leave."""

    def __init__(
        self, app: App, settings: Settings, listener: Listener, *, stays: bool = False
    ) -> None:
        """One that `stays` makes room for no newer version, and leaves when it is told to."""
        self.listener = listener
        self._stays = stays
        self._app = app
        self._settings = settings
        self._servers: dict[Profile, LociServer] = {}
        self._since = utc_now()
        self._leaving = False
        self._superseded = anyio.Event()
        """A newer version has come: it takes over when nobody is connected."""

    def receive(self, hello: Hello) -> Guest:
        if self._leaving:
            raise Gone
        # Who only looks takes nothing over.
        notice = "" if hello.door == "status" else self._meet(hello)
        if hello.door == "verbs" and hello.version != __version__:
            raise Refusal(f"{notice} Until then its clients are the way to it.")
        try:
            chosen = settings_of_client(self._settings, hello.flags, hello.environment)
        except SettingsError as error:
            raise Refusal(str(error)) from error
        caller = Caller(tenant=chosen.tenant, namespace=chosen.namespace, agent=chosen.agent)
        return Guest(hello=hello, caller=caller, tools=chosen.tools, notice=notice)

    async def serve(self, guest: Guest, lines: LinesIn, out: LinesOut) -> None:
        match guest.hello.door:
            case "mcp":
                server, resuming = self._server(guest.tools), Resuming(guest.hello.resumed)
                await serve_lines(server, guest.caller, lines, out, resuming, grace=_GRACE)
            case "verbs":
                await serve_verbs(self._app, guest.caller, lines, out, grace=_GRACE)
            case _:
                await out.write(json.dumps(self._status()).encode() + b"\n")

    async def leave_on_signal(self) -> None:
        """Leave when the process is told to end."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for _ in received:
                self.leave()

    async def leave_when_idle(self) -> None:
        """Leave when nobody was connected for the time that the settings say."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._leave_when_superseded)
            while not self._leaving:
                await self.listener.empty_for(self._settings.idle_seconds)
                self._leave_unless_wanted()

    async def _leave_when_superseded(self) -> None:
        await self._superseded.wait()
        await self.listener.empty_for(0)
        self.leave()

    def _leave_unless_wanted(self) -> None:
        """Leave, unless somebody is just about to come."""
        lock = os.open(self._settings.home / STARTING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Held until this process is gone: whoever comes meanwhile waits for that.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return
        self.leave()

    def leave(self) -> None:
        """Accept nobody more. What was accepted is answered."""
        if not self._leaving:
            self._leaving = True
            # Before the listener is closed: nobody shall connect to what will not answer.
            with suppress(FileNotFoundError):
                (self._settings.home / SOCKET).unlink()
            self.listener.close()
            self._app.hurry()

    def _meet(self, hello: Hello) -> str:
        """What to tell a guest of another version. Raises Gone: it takes over."""
        if hello.version == __version__:
            return ""
        if not is_newer(hello.version, than=__version__):
            return f"the daemon is of version {__version__}, this client of {hello.version}."
        if self._stays:
            return f"the server is of version {__version__}, this client of {hello.version}."
        if self.listener.connected == 1:
            self.leave()
            raise Gone
        self._superseded.set()
        return (
            f"the daemon is of version {__version__}, this client of {hello.version}: it takes over "
            "when no client of the daemon is connected. To hasten it: loci daemon stop."
        )

    def _server(self, tools: Profile) -> LociServer:
        if tools not in self._servers:
            start = self._app.start
            self._servers[tools] = build_server(self._app, profile=tools, on_first_answer=start)
        return self._servers[tools]

    def _status(self) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "pid": os.getpid(),
            "version": __version__,
            "since": iso(self._since),
            "home": str(self._settings.home),
            "peak_memory_mb": used.ru_maxrss // 1024,
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "clients": [_shown(one) for one in self.listener.guests if one.hello.door == "mcp"],
        }


def _shown(guest: Guest) -> dict[str, Any]:
    return {
        "pid": guest.hello.pid,
        "version": guest.hello.version,
        "tenant": guest.caller.tenant,
        "namespace": guest.caller.namespace,
        "agent": guest.caller.agent,
        "tools": guest.tools,
        "since": iso(guest.since),
    }
