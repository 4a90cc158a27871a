"""What is known of the daemon of a data directory: who holds it, and what it says of itself."""

import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import SettingsError
from ..home import DAEMON, Owner, current_owner
from .reaching import NoAnswer, reach

__all__ = ["ClientReport", "DaemonReport", "DaemonState", "daemon_owner", "look_at_daemon"]

_PATIENCE = 5.0
"""Seconds for a daemon to say how it is, or to begin to serve, or to be gone."""
_LOOK = 0.05
_CHUNK = 64 * 1024


class ClientReport(BaseModel):
    """One client, as the daemon sees it."""

    # Of other versions as well, which know more.
    model_config = ConfigDict(frozen=True, extra="allow")

    pid: int
    version: str
    tenant: str
    namespace: str
    agent: str | None
    tools: str
    since: str


class DaemonReport(BaseModel):
    """What a daemon says of itself."""

    model_config = ConfigDict(frozen=True, extra="allow")

    pid: int
    version: str
    since: str
    home: str
    peak_memory_mb: int
    cpu_seconds: float
    clients: tuple[ClientReport, ...]


@dataclass(frozen=True, slots=True)
class DaemonState:
    """A daemon that holds its directory."""

    owner: Owner
    report: DaemonReport | None
    """None: it says nothing."""
    reason: str = ""
    """Why not."""


def daemon_owner(home: Path) -> Owner | None:
    """The daemon that holds the directory; None if nobody does, or somebody else. Raises StoreError."""
    owner = current_owner(home)
    return owner if owner is not None and owner.command == DAEMON else None


def look_at_daemon(home: Path) -> DaemonState | None:
    """How the daemon is; None if none runs. Takes some seconds where it says nothing.

    Raises:
        StoreError: the lock's file cannot be opened.
    """
    until = time.monotonic() + _PATIENCE
    while (owner := daemon_owner(home)) is not None:
        left = until - time.monotonic()
        if left <= 0:
            return DaemonState(owner, None, f"it has not answered for {_PATIENCE:g} s")
        try:
            report = _report(home, left)
        except NoAnswer:
            continue
        except SettingsError as error:
            # One that greets otherwise than we do.
            return DaemonState(owner, None, str(error))
        if report is not None:
            return DaemonState(owner, report)
        time.sleep(_LOOK)
    return None


def _report(home: Path, patience: float) -> DaemonReport | None:
    """None: it begins or leaves just now. Raises NoAnswer, SettingsError."""
    connection = reach(home, "status", None, patience=patience)
    if connection is None:
        return None
    said = b""
    with connection:
        try:
            while part := connection.recv(_CHUNK):
                said += part
        except TimeoutError:
            raise NoAnswer from None
        except OSError:
            return None
    try:
        return DaemonReport.model_validate_json(said)
    except ValidationError:
        return None
