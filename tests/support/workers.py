"""The index workers of this process, for tests that harm them."""

import signal
from functools import partial

import psutil
from anyio import to_thread

__all__ = ["harm", "workers"]


def workers(of: int | None = None) -> list[psutil.Process]:
    """Those that are running, of this process or of another."""
    children = psutil.Process(of).children()
    return [one for one in children if "loci.server.index.process" in " ".join(_command(one))]


async def harm(how: signal.Signals) -> int:
    """Send a signal to each, and wait until it is over where it kills. How many there were."""
    harmed = await to_thread.run_sync(workers)
    for one in harmed:
        one.send_signal(how)
    if how is not signal.SIGSTOP:
        await to_thread.run_sync(partial(psutil.wait_procs, harmed, timeout=10))
    return len(harmed)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
