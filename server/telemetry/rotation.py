"""The daemon's log: what it prints goes to a file that its starter has opened, and must stay small."""

import logging
import os
from pathlib import Path

import anyio
from anyio import to_thread

from ..shim.where import LOG

__all__ = ["ASIDE", "keep_log_small", "rotate_log"]

ASIDE = f"{LOG}.1"
_LARGEST = 4 * 1024 * 1024
"""Bytes of a log that goes on."""
_LOOK = 60.0

_log = logging.getLogger("loci.daemon")


async def keep_log_small(home: Path) -> None:
    """Put the log aside whenever it is large, for ever."""
    while True:
        await to_thread.run_sync(rotate_log, home)
        await anyio.sleep(_LOOK)


def rotate_log(home: Path, *, largest: int = _LARGEST) -> bool:
    """Put this process's log aside if it is large, in the place of the one before, and go on in a new
    one. Whether it was. Nothing is lost, whatever is printed meanwhile; a process that logs elsewhere
    changes nothing, and where there can be no new log the old one goes on.
    """
    log = home / LOG
    try:
        if not _is_ours(log) or log.stat().st_size <= largest:
            return False
        log.replace(home / ASIDE)
        new = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        _log.warning("the log cannot be put aside: %s", error)
        return False
    os.dup2(new, 1)
    os.dup2(new, 2)
    os.close(new)
    return True


def _is_ours(log: Path) -> bool:
    """Whether standard error is that file."""
    try:
        return os.path.samestat(os.fstat(2), log.stat())
    except FileNotFoundError:
        return False
