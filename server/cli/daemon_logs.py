"""`loci daemon logs`: the last of what the daemon logged, and what it logs from now on."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from ..errors import StoreError
from ..shim.where import LOG
from ..telemetry.rotation import ASIDE
from .daemon import daemon_home
from .exits import Exit
from .output import people

__all__ = ["logs"]

_LOOK = 0.2
"""Seconds between two looks at whether there is more."""


def logs(home: Path | None, count: int, *, follow: bool) -> Exit:
    """Print the last lines. With `follow`, go on until interrupted. Raises LociError."""
    place = daemon_home(home)
    log = place / LOG
    try:
        if not follow and not log.exists():
            people().print("Nothing is logged: no daemon has run here.")
            return Exit.NOTHING
        with _Following(log) as following:
            _put(b"".join(_last(following.beginning(), place / ASIDE, count)))
            while follow:
                _put(following.more())
                time.sleep(_LOOK)
    except OSError as error:
        raise StoreError(f"{log} cannot be read: {error.strerror}.") from error
    return Exit.OK


def _last(content: bytes, aside: Path, count: int) -> Iterator[bytes]:
    """The last lines of the log, and of what was put aside before it."""
    lines = content.splitlines(keepends=True)
    if len(lines) < count and aside.exists():
        lines = aside.read_bytes().splitlines(keepends=True) + lines
    yield from lines[max(0, len(lines) - count) :]


def _put(content: bytes) -> None:
    sys.stdout.write(content.decode("utf-8", "replace"))
    sys.stdout.flush()


class _Following:
    """Reads a file that grows, is put aside, cut, or not there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def beginning(self) -> bytes:
        """All that is there now."""
        self._enter()
        return self._rest()

    def more(self) -> bytes:
        """What came since, also in a file that took its place."""
        came = self._rest()
        if self._is_another():
            came += self._rest()
            self._leave()
            self._enter()
            came += self._rest()
        return came

    def _is_another(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        same = os.path.samestat(now, os.fstat(self._file.fileno()))
        return not same or now.st_size < self._file.tell()

    def _enter(self) -> None:
        if self._path.exists():
            self._file = self._path.open("rb")

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rest(self) -> bytes:
        return b"" if self._file is None else self._file.read()
