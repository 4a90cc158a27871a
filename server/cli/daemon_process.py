"""`loci daemon run`: the process that shims start. Imports no more than a handshake needs."""

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from ..daemon import run_daemon
from ..errors import LociError, StoreBusy
from ..home import DAEMON, current_owner
from ..settings import Settings, load_settings
from ..shim.start import BUSY, READY
from ..telemetry import configure_logs, rotate_log
from .exits import Exit, exit_of
from .loop import run_loop
from .stdio import COMMAND as IN_PROCESS

__all__ = ["run"]

_VERB_SECONDS = 20.0
"""How long a verb at the shell may hold the directory; then it is not one that ends soon."""
_LOOK = 0.05


def run(arguments: Sequence[str]) -> int:
    """Serve until nobody needs it. Returns the exit code.

    The descriptor `--told` is told one line: `ready`; `busy`, if another daemon has the directory;
    or why there can be none.
    """
    parser = argparse.ArgumentParser(prog="loci daemon run", allow_abbrev=False)
    parser.add_argument("--home", help="the data directory")
    parser.add_argument("--told", type=int, help="a descriptor to be told when it is ready")
    given = parser.parse_args(arguments)
    told = _Told(given.told)
    try:
        settings = load_settings({"home": given.home})
        rotate_log(settings.home)
        configure_logs(settings.log_level, settings.log_format)
        _run(settings, told)
    except LociError as error:
        told.say(str(error))
        return exit_of(error)
    return Exit.OK


class _Told:
    """Whoever started the daemon, and waits to hear of it."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def say(self, text: str) -> None:
        """Say it once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        # Nobody may be waiting any more.
        with suppress(BrokenPipeError):
            os.write(descriptor, " ".join(text.split()).encode() + b"\n")
        os.close(descriptor)


def _run(settings: Settings, told: _Told) -> None:
    """Raises LociError; StoreBusy, unless what holds the directory ends soon or is a daemon."""
    until = time.monotonic() + _VERB_SECONDS
    ready = partial(told.say, READY)
    while True:
        try:
            serve = partial(run_daemon, settings, on_ready=ready)
            return run_loop(serve)
        except StoreBusy:
            owner = current_owner(settings.home)
            if owner is not None and owner.command == DAEMON:
                return told.say(BUSY)
            if time.monotonic() > until or (owner is not None and owner.command == IN_PROCESS):
                raise
        time.sleep(_LOOK)
