"""Run as a script, in a process of its own: which needles are in which files?

Closing a file that SQLite has open would drop the owner's POSIX locks (sqlite.org/howtocorrupt.html,
2.2), so the process that has the database open must not read it byte by byte itself.

Reads JSON from standard input: {"files": [paths], "needles": [hex]}. Writes JSON: for each file the
positions of the needles in it; a file that is missing has none. Standard library only.
"""

import json
import mmap
import sys
from pathlib import Path

__all__ = ["found"]


def found(path: str, needles: list[bytes]) -> list[int]:
    """Positions, in `needles`, of those that the file holds."""
    file = Path(path)
    if not file.exists() or file.stat().st_size == 0:
        return []
    with file.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return [place for place, needle in enumerate(needles) if data.find(needle) >= 0]


if __name__ == "__main__":
    request = json.load(sys.stdin)
    wanted = [bytes.fromhex(needle) for needle in request["needles"]]
    json.dump([found(path, wanted) for path in request["files"]], sys.stdout)
