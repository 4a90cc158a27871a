"""What FTS5 knows of a tenant's words, read as a whole; and what it makes of a question's."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreCorrupt
from .faults import store_faults
from .fulltext import TOKENIZER
from .postings import Counted, Postings, hashes_of, size_of, weighed

__all__ = ["Stems", "read_postings", "stems"]

_USES = 200_000
"""Read at once, of as many words as have them: some 12 MB."""
_STEPS = 50_000
"""Of SQLite's, between two looks whether to stop: some milliseconds."""
_LONGEST = 30.0
"""Seconds of reading."""
_KNOWN = 50_000
"""Words whose stems are kept."""
_ALL = "SELECT term, count(*), group_concat(doc) FROM temp.vocabulary GROUP BY term"


_Row = tuple[str, int, str]
"""A word, how often it is used, and the seqs of where, with commas."""


def read_postings(
    path: Path, tenant: int, most: int, stopped: Callable[[float], bool] = lambda _: False
) -> Postings | None:
    """The words of all the tenant's versions; None where there are none, or they take more than `most` bytes
    or too long, or the caller `stopped` it, who is asked now and then, with the seconds since it began.

    Blocks, for a third of a second with 700,000 words, mostly without the interpreter.

    Raises:
        StoreError: the database cannot be read, or is damaged.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    with (
        store_faults(),
        closing(sqlite3.connect(address, uri=True, timeout=5, isolation_level=None)) as connection,
    ):
        # FTS5 cuts a very long token where it will, also within a character.
        connection.text_factory = _decoded
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(
            f"CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words_{tenant:d}, instance)"
        )
        began = monotonic()

        def enough() -> bool:
            seconds = monotonic() - began
            return seconds > _LONGEST or stopped(seconds)

        connection.set_progress_handler(enough, _STEPS)
        try:
            return _read(connection, tenant, most)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return None


def _read(connection: sqlite3.Connection, tenant: int, most: int) -> Postings | None:
    # Both statements see the same.
    connection.execute("BEGIN")
    ids = connection.execute(f"SELECT id FROM words_{tenant:d}_docsize ORDER BY id")
    seqs = np.fromiter((seq for (seq,) in ids), np.int64)
    parts: list[Counted] = []
    for part in _counted(connection, seqs):
        parts.append(part)
        if size_of(seqs, parts) > most:
            return None
    # An erasure waits for whoever reads.
    connection.execute("COMMIT")
    return weighed(seqs, parts) if parts else None


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    batch, uses = list[_Row](), 0
    for row in rows:
        batch.append(row)
        uses += row[1]
        if uses >= _USES:
            yield batch
            batch, uses = [], 0
    if batch:
        yield batch


def _counted(connection: sqlite3.Connection, seqs: NDArray[np.int64]) -> Iterator[Counted]:
    """Some of the words at a time."""
    for rows in _batches(connection.execute(_ALL)):
        terms, uses, versions = zip(*rows, strict=True)
        found = np.fromstring(",".join(versions), np.int64, sep=",")
        places = np.searchsorted(seqs, found)
        if not len(seqs) or (seqs[np.minimum(places, len(seqs) - 1)] != found).any():
            raise StoreCorrupt(
                "The full text index is damaged. `loci doctor` says what can be done."
            )
        pairs = np.repeat(np.arange(len(terms)), uses) * len(seqs) + places
        pairs, often = np.unique(pairs, return_counts=True)
        spread = np.bincount(pairs // len(seqs), minlength=len(terms))
        cells = ((pairs % len(seqs)).astype(np.int32), often.astype(np.int32))
        yield Counted(hashes_of(terms), spread, *cells)


class Stems:
    """Asks FTS5 itself, in a database of its own, how it splits and stems words."""

    __slots__ = ("_connection", "_known", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, list[str]] = {}
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(
            f"CREATE VIRTUAL TABLE words USING fts5(word, tokenize='{TOKENIZER}')"
        )
        self._connection.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, instance)")

    def of(self, words: Sequence[str]) -> list[list[str]]:
        """What each word becomes: one stem, several in a row, or none. Blocks for a moment."""
        with self._lock:
            if len(self._known) > _KNOWN:
                self.forget()
            known = self._known
            if new := [word for word in dict.fromkeys(words) if word not in known]:
                known |= zip(new, self._asked(new), strict=True)
            return [known[word] for word in words]

    def __len__(self) -> int:
        """How many words are kept."""
        return len(self._known)

    def forget(self) -> None:
        """Keep none of the words that were asked for."""
        self._known = {}

    def _asked(self, words: Sequence[str]) -> list[list[str]]:
        found: list[list[str]] = [[] for _ in words]
        try:
            self._connection.executemany(
                "INSERT INTO words(rowid, word) VALUES (?, ?)", list(enumerate(words))
            )
            stems = self._connection.execute('SELECT doc, term FROM stems ORDER BY doc, "offset"')
            for place, stem in stems:
                found[int(place)].append(stem)
        finally:
            self._connection.rollback()
        return found


@cache
def stems() -> Stems:
    """One for all."""
    return Stems()
