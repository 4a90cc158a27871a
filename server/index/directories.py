"""Making and removing directories. What the system refuses is an IndexFailed."""

import shutil
from contextlib import suppress
from pathlib import Path

import anyio
from anyio import to_thread

from ..errors import IndexFailed

__all__ = ["make", "remove", "sweep"]


def make(folder: Path) -> None:
    """Make one that is not there. Blocks."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise IndexFailed(f"the index cannot be written: {error.strerror}") from error


async def remove(folder: Path) -> None:
    """Remove one with all that is in it, cancelled or not."""
    with anyio.CancelScope(shield=True):
        await to_thread.run_sync(_removed, folder)


def _removed(folder: Path) -> None:
    try:
        while folder.exists():
            # A worker that is being killed may still take files away.
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
    except OSError as error:
        raise IndexFailed(f"{folder.name} cannot be removed: {error.strerror}") from error


def sweep(folder: Path, keep: set[str | None]) -> None:
    """Remove what is in one, but for some names. Blocks."""
    try:
        for path in folder.iterdir():
            if path.name in keep:
                continue
            if path.is_dir() and not path.is_symlink():
                _removed(path)
            else:
                path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise IndexFailed(f"{folder.name} cannot be swept: {error.strerror}") from error
