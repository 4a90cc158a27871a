"""`loci stdio --in-process`: a server of its own, without the daemon. Imports no more than a handshake
needs."""

import argparse
import signal
import sys
from collections.abc import Sequence

import anyio

from ..access import Caller
from ..app import open_app
from ..errors import LociError
from ..settings import Settings, load_settings
from ..telemetry import configure_logs
from .exits import Exit, exit_of
from .loop import run_loop

__all__ = ["COMMAND", "run"]

COMMAND = "loci stdio --in-process"


def run(arguments: Sequence[str]) -> int:
    """Serve MCP over stdin and stdout until stdin ends. Returns the exit code."""
    given = vars(_parser().parse_args(arguments))
    given.pop("in_process")
    try:
        settings = load_settings(given)
        # Before the SDK is imported: it sets up logging of its own where it finds none.
        configure_logs(settings.log_level, settings.log_format)
        run_loop(_serve, settings)
    except LociError as error:
        sys.stderr.write(f"loci: {error}\n")
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loci stdio",
        description="Serve the memory over MCP on stdin and stdout: what clients start.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="serve in this process, which owns the data directory; without the daemon",
    )
    parser.add_argument("--home", help="the data directory")
    parser.add_argument("--profile", help="a set of defaults: embedded, dev or prod")
    parser.add_argument("--tenant", help="whose memories are served")
    parser.add_argument("--namespace", help="where to remember and look by default")
    parser.add_argument("--tools", help="which tools to offer: core or full")
    parser.add_argument("--agent", help="who remembers, in the provenance of memories")
    return parser


async def _serve(settings: Settings) -> None:
    from ..transports import build_server, serve_stdio

    caller = Caller(tenant=settings.tenant, namespace=settings.namespace, agent=settings.agent)
    async with open_app(settings, command=COMMAND) as app:
        server = build_server(app, profile=settings.tools, on_first_answer=app.start)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_when_asked, tasks.cancel_scope)
            await serve_stdio(server, caller)
            tasks.cancel_scope.cancel()


async def _end_when_asked(scope: anyio.CancelScope) -> None:
    """Clients that grow impatient send SIGTERM: end as at the end of stdin."""
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGTERM) as received:
        async for _ in received:
            scope.cancel()
