"""The way from the shell to the daemon of a data directory, if one runs."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

# By its full name: type checkers see the folders, whose common parent is only `loci` installed.
from loci import __version__

from ..errors import SettingsError, StoreBusy
from ..shim.hello import OK, REFUSED, greet, told
from ..shim.where import LOG, connect

__all__ = ["NoAnswer", "reach"]

_PATIENCE = 30.0
"""Seconds for a daemon to answer a hello."""


class NoAnswer(StoreBusy):
    """A daemon is there, and says nothing."""


def reach(
    home: Path, door: str, flags: Mapping[str, str] | None, *, patience: float = _PATIENCE
) -> socket.socket | None:
    """A connection that the daemon has accepted, with a timeout; None if no daemon is there, or if it
    leaves just now. Without `flags`, nothing is asked on anybody's behalf.

    Raises:
        NoAnswer: it says nothing for `patience` seconds.
        SettingsError: it does not serve who was given such settings; the text says why.
    """
    if sys.platform == "win32":  # which has no such sockets in Python
        return None
    found = connect(str(home))
    if found is None:
        return None
    connection = socket.socket(fileno=found.detach())
    connection.settimeout(patience)
    try:
        reply = greet(
            connection,
            version=__version__,
            door=door,
            flags=dict(flags or {}),
            environment={} if flags is None else told(dict(os.environ)),
        )
    except TimeoutError:
        connection.close()
        raise NoAnswer(
            f"The daemon does not answer. See {home / LOG}, or end it: loci daemon stop --force"
        ) from None
    except OSError:
        connection.close()
        return None
    if reply.status == OK:
        return connection
    connection.close()
    if reply.status == REFUSED:
        raise SettingsError(reply.text)
    return None
