"""`loci serve`: the server of the network, in the foreground."""

import sys
from collections.abc import Mapping
from functools import partial

from ..errors import LociError
from ..settings import load_settings
from ..telemetry import configure_logs, configure_structlog
from .loop import run_loop

__all__ = ["serve"]


def serve(flags: Mapping[str, object]) -> None:
    """Serve until the process is told to end. Raises LociError."""
    if sys.platform == "win32":
        raise LociError("`loci serve` runs on Linux and macOS.")
    settings = load_settings(flags)
    # Before the SDK is imported: it sets up logging of its own where it finds none.
    configure_logs(settings.log_level, settings.log_format)
    configure_structlog()
    from ..serve import run_server

    run_loop(partial(run_server, settings, say=_say))


def _say(line: str) -> None:
    sys.stderr.write(f"loci: {line}\n")
    sys.stderr.flush()
