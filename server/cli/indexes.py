"""What `loci doctor` finds of the vector indexes, reading only: the ledger's word and the files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..errors import IndexDamaged
from ..home import DATABASE, INDEX
from ..index.folders import folder_of
from ..index.seal import verify

__all__ = ["examine_indexes"]

_STATES = """
SELECT tenants.name, indexes.generation, indexes.reason,
       (SELECT count(*) FROM outbox WHERE outbox.tenant = tenants.key)
FROM tenants LEFT JOIN indexes ON indexes.tenant = tenants.key
WHERE tenants.name NOT LIKE '~%' ORDER BY tenants.name
"""


def examine_indexes(home: Path, *, remote: bool) -> Iterator[tuple[str, bool, str]]:
    """For each tenant: its name, whether its index is well, and its state with the reason.

    Raises:
        sqlite3.Error: the database cannot be read.
    """
    path = home / DATABASE
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'indexes'").fetchone()
        rows = connection.execute(_STATES).fetchall() if known else []
    for tenant, generation, reason, waiting in rows:
        yield tenant, *_state(home, tenant, generation, reason or "", waiting, remote)


def _state(
    home: Path, tenant: str, generation: str | None, reason: str, waiting: int, remote: bool
) -> tuple[bool, str]:
    why = f" ({reason})" if reason else ""
    behind = f"; behind by {waiting:,}, searched exactly" if waiting else ""
    if generation is None:
        return True, f"none yet{why}: it is built while Loci runs{behind}"
    if remote:
        return True, f"on the Chroma server{why}{behind}"
    try:
        seal = verify(folder_of(home / INDEX, tenant) / generation)
    except IndexDamaged as error:
        return False, f"damaged: {error}. It is built anew when Loci next uses it; or: loci reindex"
    return True, f"sound, {seal.count:,} vectors{why}{behind}"
