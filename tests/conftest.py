"""Fixtures for every suite."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Loci runs on asyncio: aiosqlite has no other backend."""
    return "asyncio"
