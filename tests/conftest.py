"""Fixtures for every suite."""

import os
import signal

import pytest

# As `app` does: before NumPy comes, whose threads would spin beside everything that is tested or measured.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Let the processes that tests start hear SIGINT: where the suite runs in a shell's background, it is
    ignored, and so it would be by all of them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Loci is run on asyncio, and on nothing else."""
    return "asyncio"
