"""What a client of the handshake era is told of changes."""

import anyio
import anyio.lowlevel
from mcp.types import ResourceUpdatedNotification

from .sites import Web

__all__ = ["Told"]


class Told:
    """A message handler that notes which resources were updated."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._more = anyio.Event()

    async def __call__(self, message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self._more.set()

    async def until(self, count: int) -> set[str]:
        """Wait for so many."""
        while len(self.uris) < count:
            self._more = anyio.Event()
            await self._more.wait()
        return set(self.uris)

    async def until_open(self, web: Web) -> None:
        """Wait until the server has a stream open to tell it by."""
        while not len(web.site.streams):
            await anyio.lowlevel.checkpoint()
