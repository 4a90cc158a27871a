"""Where the daemon of a data directory is: the directory's place, and its socket."""

import _socket  # `socket` would take a quarter of the start for classes that are not used here
import os
import sys

__all__ = ["LOG", "SOCKET", "STARTING", "at", "connect", "home_of"]

SOCKET = "daemon.sock"
STARTING = "daemon.lock"
"""Locked while a daemon is started, or while one leaves."""
LOG = "daemon.log"


def home_of(flag: str | None, environment: dict[str, str]) -> str:
    """The data directory, by the rules of the settings: a flag, the environment, the platform's own."""
    given = flag or environment.get("LOCI_HOME")
    if given:
        return os.path.abspath(os.path.expanduser(given))  # noqa: PTH100, PTH111 - no pathlib here
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/loci")  # noqa: PTH111
    data = environment.get("XDG_DATA_HOME", "")
    return os.path.join(data if data.strip() else os.path.expanduser("~/.local/share"), "loci")  # noqa: PTH111, PTH118


class at:
    """Stand in a directory meanwhile: names of sockets have at most some hundred bytes, and from there
    the socket's is short. For processes with one thread. Raises OSError: it is not there."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._back = -1

    def __enter__(self) -> None:
        self._back = os.open(".", os.O_RDONLY)
        try:
            os.chdir(self._home)
        except OSError:
            os.close(self._back)
            raise

    def __exit__(self, *_: object) -> None:
        os.fchdir(self._back)
        os.close(self._back)


def connect(home: str) -> "_socket.socket | None":
    """A connection to the daemon that has not been greeted; None if nobody listens there."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        with at(home):
            connection.connect(SOCKET)
    except OSError:
        connection.close()
        return None
    return connection
