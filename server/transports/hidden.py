"""Keeping the SDK from importing what it can do without."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

__all__ = ["hidden"]


@contextmanager
def hidden(module: str) -> Generator[None]:
    """As if a module were not installed, unless it is imported already: then nothing is saved."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    # One step: another thread may be importing just that, and must find there what it put there.
    if modules.setdefault(module, None) is not None:
        yield
        return
    try:
        yield
    finally:
        modules.pop(module, None)
