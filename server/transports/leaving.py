"""The end of a connection: what it leaves to be done."""

import logging

import anyio

from ..access import Desk, Visit
from ..errors import LociError

__all__ = ["leave"]

_PATIENCE = 1.0
"""Seconds: hosts kill a server soon after they closed its input."""

_log = logging.getLogger("loci.transports")


async def leave(desk: Desk, visit: Visit) -> None:
    """Say that the sessions which a connection wrote are over. Where that cannot be said, they are
    when nobody writes them for a while."""
    if not visit.sessions:
        return
    with anyio.move_on_after(_PATIENCE, shield=True):
        try:
            await (await desk.memories()).end(visit.sessions)
        except LociError as error:
            _log.warning("the end of a session was not noted: %s", error)
