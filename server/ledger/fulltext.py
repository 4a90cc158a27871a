"""Full text by SQLite's FTS5: one table for each tenant, Porter stems, BM25.

FTS5's `bm25` is Okapi BM25 with k1 = 1.2, b = .75 (Robertson and Zaragoza, 2009), negated. The table
reads its text through a view of the tenant's versions, so the text itself is stored once. The view
asks `terms.pieces` of the connection, and `packing.unpack_text` for what is cold: whoever writes or
forgets words has them (`sqlite`). When `pieces` changes, a migration must drop the tables, to be made
anew: a word is forgotten by the pieces that it was stored by.
"""

from sqlalchemy import Connection, text

from .terms import terms_of

__all__ = [
    "PIECES",
    "TOKENIZER",
    "UNPACKED",
    "add_words",
    "any_of",
    "create_words",
    "drop_words",
    "purge_words",
    "remove_words",
    "still_indexed",
]

TOKENIZER = "porter unicode61 remove_diacritics 2"
PIECES = "loci_pieces"
UNPACKED = "loci_unpacked"
"""The functions' names in SQL."""
_CONTENT = f"CASE WHEN packed IS NULL THEN content ELSE {UNPACKED}(packed) END"
_ABOUT = "coalesce(speaker, '') || ' ' || tags || ' ' || entities"
_COLUMNS = "content, about, pieces"
_TERMS = 64
"""In one question to the index."""


def create_words(connection: Connection, tenant: int) -> None:
    """The tenant's view and table, in the caller's transaction, with all that the tenant has. Existing
    ones stay."""
    there = text("SELECT 1 FROM sqlite_schema WHERE name = :name")
    if connection.scalar(there, {"name": f"words_{tenant:d}"}):
        return
    connection.execute(
        text(
            f"CREATE VIEW words_source_{tenant:d} AS "
            f"SELECT seq, {_CONTENT} AS content, {_ABOUT} AS about, "
            f"{PIECES}({_ABOUT} || ' ' || {_CONTENT}) AS pieces "
            f"FROM memories WHERE tenant = {tenant:d}"
        )
    )
    connection.execute(
        text(
            f"CREATE VIRTUAL TABLE words_{tenant:d} USING fts5({_COLUMNS}, "
            f"content='words_source_{tenant:d}', content_rowid='seq', "
            f"tokenize='{TOKENIZER}')"
        )
    )
    connection.execute(text(f"INSERT INTO words_{tenant:d}(words_{tenant:d}) VALUES ('rebuild')"))


def drop_words(connection: Connection, tenant: int) -> None:
    """Take a tenant's table and view away."""
    connection.execute(text(f"DROP TABLE IF EXISTS words_{tenant:d}"))
    connection.execute(text(f"DROP VIEW IF EXISTS words_source_{tenant:d}"))


def add_words(connection: Connection, tenant: int, seqs: list[int]) -> None:
    """Index versions that were just stored."""
    connection.execute(
        text(
            f"INSERT INTO words_{tenant:d}(rowid, {_COLUMNS}) "
            f"SELECT seq, {_COLUMNS} FROM words_source_{tenant:d} WHERE seq = :seq"
        ),
        [{"seq": seq} for seq in seqs],
    )


def remove_words(connection: Connection, tenant: int, seqs: list[int]) -> None:
    """Take versions out, before their rows go: the index must be told the text it forgets."""
    connection.execute(
        text(
            f"INSERT INTO words_{tenant:d}(words_{tenant:d}, rowid, {_COLUMNS}) "
            f"SELECT 'delete', seq, {_COLUMNS} FROM words_source_{tenant:d} WHERE seq = :seq"
        ),
        [{"seq": seq} for seq in seqs],
    )


def purge_words(connection: Connection, tenant: int) -> None:
    """Merge the index into one segment, which drops every term that only removed rows had."""
    connection.execute(text(f"INSERT INTO words_{tenant:d}(words_{tenant:d}) VALUES ('optimize')"))


def still_indexed(connection: Connection, tenant: int, words: str, seqs: list[int]) -> bool:
    """Whether any of the words still leads to any of the versions."""
    terms = list(dict.fromkeys(terms_of(words)))
    statement = text(f"SELECT rowid FROM words_{tenant:d} WHERE words_{tenant:d} MATCH :terms")
    gone = set(seqs)
    return any(
        not gone.isdisjoint(
            connection.scalars(statement, {"terms": any_of(terms[start : start + _TERMS])})
        )
        for start in range(0, len(terms), _TERMS)
    )


def any_of(terms: list[str]) -> str:
    """The terms as an FTS5 query; empty for none."""
    return " OR ".join(f'"{term}"' for term in terms)
