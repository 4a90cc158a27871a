"""The event loop that commands run in."""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import anyio

__all__ = ["run_loop"]

T = TypeVar("T")
Given = TypeVarTuple("Given")

_OPTIONS = {"use_uvloop": sys.platform != "win32"}


def run_loop(function: Callable[[*Given], Awaitable[T]], *given: *Given) -> T:
    """What it returns, run in a loop of its own: uvloop where there is one.

    A call is a dozen turns of the loop, and uvloop's take half the time. And every signal wakes it: asyncio's
    loop sleeps on over a SIGINT that comes in the moment in which it falls asleep.
    """
    return anyio.run(function, *given, backend_options=_OPTIONS)
