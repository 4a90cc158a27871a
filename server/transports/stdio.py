"""MCP over the standard streams."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from ..access import Caller
from .lines import LinesIn, LinesOut, can_wait
from .messages import serve_lines
from .server import LociServer

__all__ = ["serve_stdio"]

_GRACE = 1.0
"""Seconds for a client to take the last answers."""


async def serve_stdio(server: LociServer, caller: Caller) -> None:
    """Serve standard input and output until the input ends and what it asked is answered.

    Meanwhile descriptor 0 is empty and descriptor 1 is standard error, so that nothing else can
    take from the protocol or print into it.
    """
    with _diverted(0, os.devnull) as wire_in, _diverted(1, None) as wire_out:
        lines = LinesOut(wire_out)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lines.run)
            await serve_lines(server, caller, LinesIn(wire_in), lines)
            with anyio.move_on_after(_GRACE):
                await lines.flush()
            tasks.cancel_scope.cancel()


@contextmanager
def _diverted(fd: int, to: str | None) -> Generator[int]:
    """The wire behind a standard descriptor, which meanwhile is another file or standard error."""
    sys.stdout.flush()
    wire = os.dup(fd)
    other = os.dup(2) if to is None else os.open(to, os.O_RDONLY)
    os.dup2(other, fd)
    os.close(other)
    # The mode is the pipe's and not the descriptor's: whoever shares it gets it back.
    mode = os.get_blocking(wire) if can_wait(wire) else None
    if mode is not None:
        os.set_blocking(wire, False)
    try:
        yield wire
    finally:
        # What was printed meanwhile and not written yet must not reach the wire.
        sys.stdout.flush()
        if mode is not None:
            os.set_blocking(wire, mode)
        os.dup2(wire, fd)
        os.close(wire)
