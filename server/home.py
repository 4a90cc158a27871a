"""The data directory: made for its owner alone, and owned by one process at a time.

`app` takes it for as long as it runs; `loci doctor` asks who has it. Nothing here knows what is kept
in it. The lock is the operating system's, on a file that says who holds it: it ends with its
process, however that ends, and a file left behind stands in nobody's way.
"""

import errno
import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from .errors import StoreBusy, StoreError, StoreFull, StoreReadOnly
from .model import iso, utc_now

__all__ = ["DAEMON", "DATABASE", "INDEX", "LOCK", "SERVE", "Owner", "current_owner", "owned"]

DATABASE = "ledger.db"
INDEX = "index"
LOCK = "owner.lock"
DAEMON = "loci daemon"
"""The command of an owner that serves others."""
SERVE = "loci serve"
"""The command of one that serves others over the network as well."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_CONTENT = 4096
"""Bytes of the lock's file at the most. On Windows the byte behind them is the one locked: a locked
byte could not be read there."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a data directory."""

    pid: int
    command: str
    since: str
    """ISO 8601."""


@contextmanager
def owned(home: Path, command: str) -> Generator[None]:
    """Hold the data directory; it is made if need be. Blocks for the time of a few system calls.

    Raises:
        StoreBusy: another process holds it; the text says which.
        StoreFull, StoreReadOnly, StoreError: it cannot be made or written.
    """
    descriptor = _open(home)
    try:
        if not _lock(descriptor, home):
            raise StoreBusy(_busy(home, _read(descriptor)))
        _write(descriptor, home, Owner(os.getpid(), command, iso(utc_now())))
        try:
            yield
        finally:
            # Emptied, so that the next to come never reads of an owner that is gone.
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def current_owner(home: Path) -> Owner | None:
    """Who holds the data directory now; None if nobody does.

    Raises:
        StoreError: the lock's file cannot be opened.
    """
    if not (home / LOCK).exists():
        return None
    descriptor = _open(home)
    try:
        free = _lock(descriptor, home)
        return None if free else _read(descriptor) or Owner(0, "another process", "")
    finally:
        os.close(descriptor)


def _open(home: Path) -> int:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(home, error) from error


def _unusable(home: Path, error: OSError) -> StoreError:
    if error.errno in _FULL:
        return StoreFull(f"The disk is full: {home}. Free space, or use another --home.")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return StoreError(f"The data directory is a file: {home}. Use another --home.")
    return StoreReadOnly(
        f"The data directory cannot be written ({error.strerror}): {home}. "
        "Allow writing or choose another --home."
    )


def _write(descriptor: int, home: Path, owner: Owner) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(asdict(owner)).encode()[:_CONTENT])
    except OSError as error:
        raise _unusable(home, error) from error


def _read(descriptor: int) -> Owner | None:
    """Who the file names; None in the moment in which the owner has not written it yet."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    with suppress(ValueError, TypeError, KeyError):
        content = cast("dict[str, Any]", json.loads(os.read(descriptor, _CONTENT)))
        return Owner(int(content["pid"]), str(content["command"]), str(content["since"]))
    return None


def _busy(home: Path, owner: Owner | None) -> str:
    if owner is None:
        return f"{home} is in use by another process. Close it, or use another --home."
    return (
        f"{home} is in use by `{owner.command}` (process {owner.pid}, since {owner.since}). "
        "Close it, or use another --home."
    )


def _lock(descriptor: int, home: Path) -> bool:
    """Whether the lock was free; then it is held until the descriptor is closed."""
    try:
        _lock_now(descriptor)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise StoreError(
            f"The file system of {home} cannot lock files ({error.strerror}). "
            "Use a --home on a local disk."
        ) from error
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock_now(descriptor: int) -> None:
        os.lseek(descriptor, _CONTENT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
