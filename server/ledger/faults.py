"""What SQLite's failures mean, as errors of our tree."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly

__all__ = ["store_faults", "translate"]

_MEANINGS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("full", StoreFull, "The disk is full. Nothing of this write was kept; free space and repeat."),
    ("readonly", StoreReadOnly, "The data directory is read-only. Allow writing or choose --home."),
    ("unable to open", StoreReadOnly, "The database cannot be opened. Check the rights of --home."),
    ("malformed", StoreCorrupt, "The database is damaged. `loci doctor` says what can be done."),
    ("not a database", StoreCorrupt, "ledger.db is not a database. Restore it from backups/."),
    ("foreign key", StoreError, "This tenant was erased meanwhile. Nothing of this was kept."),
    ("no such table: words_", StoreError, "This tenant was erased meanwhile."),
    ("no such fts5 table", StoreError, "This tenant was erased meanwhile."),
    ("locked", StoreBusy, "Another program holds the database. Close it and repeat."),
    ("i/o error", StoreError, "The disk failed. Nothing of this write was acknowledged."),
)


def translate(error: Exception) -> StoreError | None:
    """The expected failure behind an error of the driver's; None where it is a bug of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return None
    text = str(cause).lower()
    for sign, kind, advice in _MEANINGS:
        if sign in text:
            return kind(advice)
    return None


@contextmanager
def store_faults() -> Generator[None]:
    """Raises what `translate` finds instead of the driver's error.

    Raises:
        StoreError: the disk, the rights or the file are at fault.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        meaning = translate(error)
        if meaning is None:
            raise
        raise meaning from error
