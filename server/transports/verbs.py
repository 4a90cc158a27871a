"""Verbs from shells, each answered when it is done: `access.calls` over a connection."""

import logging

import anyio

from ..access import Caller, as_caller
from ..access.calls import Call, answer_line, error_line
from ..access.verbs import VERBS, ShellDesk
from ..errors import LociError
from .lines import LinesIn, LinesOut

__all__ = ["serve_verbs"]

_log = logging.getLogger("loci.daemon")

_UNDER_WAY = 8
"""Calls of one connection that are worked on at once. The next waits to be read."""


async def serve_verbs(
    desk: ShellDesk, caller: Caller, lines: LinesIn, out: LinesOut, *, grace: float
) -> None:
    """Serve a caller until its lines end and what it asked is answered. Another task runs `out`.

    What was asked before the end has `grace` seconds: a shell that was interrupted waits for nothing.
    A line that is no call, or only the beginning of one, is the end as well.

    Raises:
        BrokenResourceError: nobody hears the answers.
    """
    room = anyio.Semaphore(_UNDER_WAY)
    with as_caller(caller):
        async with anyio.create_task_group() as tasks:
            while (call := await _next(lines)) is not None:
                await room.acquire()
                tasks.start_soon(_answer, desk, call, out, room)
            tasks.cancel_scope.deadline = anyio.current_time() + grace


async def _next(lines: LinesIn) -> Call | None:
    line = await lines.next()
    if not isinstance(line, bytes):
        return None
    try:
        return Call.read(line)
    except ValueError:
        _log.warning("a shell was interrupted, or sent what is no call")
        return None


async def _answer(desk: ShellDesk, call: Call, out: LinesOut, room: anyio.Semaphore) -> None:
    try:
        line = answer_line(call, await VERBS[call.verb](desk, **call.arguments))
    except LociError as error:
        line = error_line(call, error)
    room.release()
    await out.write(line)
