"""The two workers behind the generations of all tenants.

One is only searched and stays; the other only feeds, gives way to everything else on the machine,
and goes when there is nothing to do. Chroma holds Python's lock while it writes: in one process, a
search would wait for every batch.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from ..tasks import task_group
from .folders import FolderShelves
from .generations import Shelves
from .remote import RemoteShelves
from .worker import Worker

__all__ = ["open_shelves"]

_NICE = 10
_IDLE = 30.0
"""Seconds after which a worker that nobody asks ends."""


@asynccontextmanager
async def open_shelves(root: Path, url: str | None = None) -> AsyncGenerator[Shelves]:
    """Generations below a directory, or with a URL on that Chroma server. No worker is started
    before one is needed."""
    searching, feeding = Worker(), Worker(niceness=_NICE, idle_seconds=_IDLE)
    async with task_group() as tasks:
        tasks.start_soon(searching.run)
        tasks.start_soon(feeding.run)
        try:
            if url is None:
                yield FolderShelves(root, searching, feeding)
            else:
                yield RemoteShelves(url, str(root), searching, feeding)
        finally:
            tasks.cancel_scope.cancel()
