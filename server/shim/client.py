"""One client of the daemon, as each daemon that it meets is told of it."""

import _socket
import sys

# By its full name: type checkers see the folders, whose common parent is only `loci` installed.
from loci import __version__

from . import hello
from .start import CannotStart, start
from .where import LOG, connect

__all__ = ["Client", "Refused", "say"]

_ATTEMPTS = 5
"""To be greeted by a daemon that stays: each may be leaving just then."""
_PATIENCE = 30.0
"""Seconds for a daemon to answer a hello."""


class Refused(Exception):
    """The daemon serves, and not this client; the text says why."""


class Client:
    """What is said of this client to each daemon."""

    def __init__(self, home: str, flags: dict[str, str], environment: dict[str, str]) -> None:
        self._home = home
        self._environment = environment
        self._flags = {name: value for name, value in flags.items() if name != "home"}
        self._told = hello.told(environment)

    def greeted(self, resumed: int = 0) -> _socket.socket:
        """A connection that the daemon has accepted. Raises CannotStart, Refused."""
        for _ in range(_ATTEMPTS):
            connection = connect(self._home) or start(self._home, self._environment)
            connection.settimeout(_PATIENCE)
            try:
                reply = hello.greet(
                    connection,
                    version=__version__,
                    door="mcp",
                    flags=self._flags,
                    environment=self._told,
                    resumed=resumed,
                )
            except TimeoutError:
                raise CannotStart(
                    f"the daemon does not answer. See {self._home}/{LOG}, or end it: "
                    "loci daemon stop --force"
                ) from None
            except OSError:
                connection.close()
                continue
            if reply.status == hello.OK:
                connection.settimeout(None)
                if reply.text and not resumed:
                    say(reply.text)
                return connection
            connection.close()
            if reply.status == hello.REFUSED:
                raise Refused(reply.text)
        raise CannotStart(f"the daemon ends as soon as it is asked; see {self._home}/{LOG}")


def say(text: str) -> None:
    """Tell the user; hosts show it."""
    sys.stderr.write(f"loci: {text}\n")
    sys.stderr.flush()
