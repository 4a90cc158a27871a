"""What the index worker may take of the machine: priority, descriptors, and no longer a life than its
server's. For POSIX."""

import os
import resource
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["blank_memory", "confine", "descriptors"]

_WANTED = 4096
"""Descriptors: many more than are ever open. Chroma sizes its cache by the limit."""
_PR_SET_PDEATHSIG = 1
_M_PERTURB = -6
_BLANK = 0xFF
"""Memory that is taken is filled with the complement of this."""


def confine(niceness: int) -> None:
    """Bound this process."""
    if sys.platform == "linux":
        _die_with_the_server()
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def descriptors() -> int:
    """How many files may be open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WANTED if soft == resource.RLIM_INFINITY else soft


@contextmanager
def blank_memory() -> Generator[None]:
    """Have what memory is taken meanwhile be blank, where the C library is glibc: what lies in it
    would be another index's, and be written out with what uses it."""
    import ctypes

    set_ = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_ is None:
        yield
        return
    set_(_M_PERTURB, _BLANK)
    try:
        yield
    finally:
        set_(_M_PERTURB, 0)


def _die_with_the_server() -> None:
    """By the kernel, even while a stuck thread keeps the end of the input from being read."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
