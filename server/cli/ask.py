"""One verb at the shell: carried out by the daemon if one runs, and in this process if not."""

import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..access import Caller, Shell, as_caller, at_desk
from ..errors import LociError, StoreBusy
from ..home import DAEMON, SERVE, current_owner
from ..settings import Settings, load_settings
from ..telemetry import configure_logs
from .loop import run_loop
from .reaching import reach
from .remote import remote_shell

__all__ = ["Flags", "ask"]

T = TypeVar("T")

_PATIENCE = 20.0
"""Seconds for a daemon to begin to serve, or to be gone."""
_LOOK = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What every command may be told."""

    home: Path | None = None
    profile: str | None = None
    tenant: str | None = None
    as_json: bool = False

    def settings(self) -> Settings:
        """All settings, with these above the others. Logs are set up by them.

        Raises:
            SettingsError: one is wrong.
        """
        settings = load_settings(
            {"home": self.home, "profile": self.profile, "tenant": self.tenant}
        )
        configure_logs(settings.log_level, settings.log_format)
        return settings

    def told(self) -> dict[str, str]:
        """Those that the daemon is told."""
        given = {"profile": self.profile, "tenant": self.tenant}
        return {name: value for name, value in given.items() if value is not None}


def ask(flags: Flags, settings: Settings, command: str, verb: Callable[[Shell], Awaitable[T]]) -> T:
    """What the verb answers. It is tried once, wherever that is; here, the store is closed again.

    Raises:
        StoreBusy: another process than a daemon holds the directory.
        SettingsError: the daemon has other settings.
        LociError: what the verb raised, or the store could not be opened.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        connection = reach(settings.home, "verbs", flags.told())
        if connection is not None:
            return _got(run_loop(_ask_daemon, connection, verb))
        try:
            answer = run_loop(_ask_here, settings, command, verb)
        except StoreBusy:
            if time.monotonic() > until or not _is_coming_or_leaving(settings.home):
                raise
        else:
            return _got(answer)
        time.sleep(_LOOK)


def _is_coming_or_leaving(home: Path) -> bool:
    """Whether what held the directory is a daemon that nobody can connect to, or nothing any more."""
    owner = current_owner(home)
    return sys.platform != "win32" and (owner is None or owner.command in (DAEMON, SERVE))


@dataclass(frozen=True, slots=True)
class _Failed:
    """Taken out by hand: the task groups around a verb would wrap it."""

    error: LociError


async def _ask_daemon(
    connection: socket.socket, verb: Callable[[Shell], Awaitable[T]]
) -> T | _Failed:
    async with remote_shell(connection) as shell:
        return await _tried(shell, verb)


async def _ask_here(
    settings: Settings, command: str, verb: Callable[[Shell], Awaitable[T]]
) -> T | _Failed:
    # A second of imports, for which nobody waits where the daemon answers.
    from ..app import open_app

    async with open_app(settings, command=f"loci {command}", warm=False) as app:
        caller = Caller(tenant=settings.tenant, namespace=settings.namespace, agent=settings.agent)
        with as_caller(caller):
            return await _tried(at_desk(app), verb)


async def _tried(shell: Shell, verb: Callable[[Shell], Awaitable[T]]) -> T | _Failed:
    try:
        return await verb(shell)
    except LociError as error:
        return _Failed(error)


def _got(answer: T | _Failed) -> T:
    if isinstance(answer, _Failed):
        raise answer.error
    return answer
