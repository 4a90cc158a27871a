"""Fixtures for every suite."""

import signal

import pytest


def pytest_configure() -> None:
    """Let the processes that tests start hear SIGINT: where the suite runs in a shell's background, it is
    ignored, and so it would be by all of them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Loci runs on asyncio: aiosqlite has no other backend."""
    return "asyncio"
