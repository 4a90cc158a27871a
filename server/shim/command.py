"""`loci stdio`: from the command line to the passage."""

import os

from .client import Client, Refused, say
from .passing import Lost, Passage
from .start import CannotStart
from .where import LOG, home_of

__all__ = ["options", "run"]

_VALUED = ("home", "profile", "tenant", "namespace", "tools", "agent")
_USAGE, _FAILED, _INTERRUPTED = 2, 1, 130


def options(arguments: list[str]) -> dict[str, str] | None:
    """The options by name; None where there is more to say of them than can be said here."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name[2:] not in _VALUED or not (equals or rest):
            return None
        found[name[2:]] = value if equals else rest.pop(0)
    return found


def run(flags: dict[str, str]) -> int:
    """Serve a client until it ends. Returns the exit code."""
    environment = dict(os.environ)
    home = home_of(flags.get("home"), environment)
    client = Client(home, flags, environment)
    try:
        Passage(client.greeted(), client).run()
    except Refused as error:
        say(str(error))
        return _USAGE
    except CannotStart as error:
        say(str(error))
        return _FAILED
    except Lost:
        say(
            "the daemon ended before everything was answered: what was asked last may or may not "
            f"have been done. Start this server again. See {home}/{LOG}"
        )
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
