"""After an erasure: the log is emptied, and every file is read whole for what may have stayed."""

import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

from anyio import run_process, to_thread

from ..errors import StoreError
from ..model import Residue
from .erase import Erasure, Needle

__all__ = ["find_residue"]

_SCRIPT = Path(__file__).with_name("scan.py")


async def find_residue(
    database: Path,
    copies: Path,
    erasure: Erasure,
    explained: Callable[[Needle], Awaitable[bool]],
) -> Residue:
    """Scan the database, its log and its copies, free pages and all.

    What is found counts unless `explained` says what else holds it. A copy from before an upgrade
    that still holds what was erased is removed: it was kept to go back by, and going back would
    undo the erasure.

    Raises:
        StoreError: a file could not be read, so nothing can be said.
    """
    log = database.with_name(database.name + "-wal")
    try:
        emptied = await to_thread.run_sync(_empty_log, database)
        kept = await to_thread.run_sync(lambda: sorted(copies.glob("*.db")))
        hits = await _scan([database, log, *kept], erasure.needles)
        for copy, places in zip(kept, hits[2:], strict=True):
            if places:
                await to_thread.run_sync(copy.unlink)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"It was erased, but the scan for residue failed: {error}") from error
    found: set[str] = set()
    for file, places in zip((database, log), hits[:2], strict=True):
        for place in places:
            if not await explained(erasure.needles[place]):
                found.add(f"{file.name}: {erasure.needles[place].what}")
    if not emptied:
        found.add(f"{log.name}: a reader kept it from being emptied")
    if erasure.words_left:
        found.add("full text index: words")
    names = (*(file.name for file in (database, log, *kept)), "full text index")
    return Residue(scanned=names, found=tuple(sorted(found)))


def _empty_log(database: Path) -> bool:
    """Move the write-ahead log into the database: it holds the old pages."""
    with closing(sqlite3.connect(database, timeout=5)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


async def _scan(files: Sequence[Path], needles: Sequence[Needle]) -> list[list[int]]:
    request = {
        "files": [str(file) for file in files],
        "needles": [needle.data.hex() for needle in needles],
    }
    command = [sys.executable, "-I", str(_SCRIPT)]
    ended = await run_process(command, input=json.dumps(request).encode(), check=False)
    if ended.returncode != 0:
        raise StoreError("It was erased, but the scan for residue could not read every file.")
    return json.loads(ended.stdout)
