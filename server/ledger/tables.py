"""The tables, as SQLAlchemy Core. Every row belongs to a tenant.

A row of `memories` is one *version* of a memory: recorded time runs from `recorded_at` to
`replaced_at`, valid time from `valid_from` to `valid_until`. The current version has no
`replaced_at`. A cold one's content may be `packed` (see `packing`), and is empty then; `tokens` are
counted when a budget first asks for them. Full text lives in one FTS5 table for each tenant (see `fulltext`), so that neither a
word nor a term frequency of one tenant reaches another's ranking.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    column,
    table,
    text,
)

from ..model import from_micros, to_micros

__all__ = [
    "GONE",
    "Json",
    "Micros",
    "cycles",
    "derivations",
    "indexes",
    "labels",
    "memories",
    "metadata",
    "models",
    "notes",
    "outbox",
    "pads",
    "passages",
    "promotions",
    "sequences",
    "steps",
    "tenants",
    "vectors",
]


class Micros(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else self.read(value)

    read = staticmethod(from_micros)


class Json(TypeDecorator[Any]):
    """JSON as compact text that keeps every script readable, for full text reads it too."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.read(value)

    @staticmethod
    def read(value: str) -> Any:
        # As most are; parsing takes ten times as long.
        return [] if value == "[]" else {} if value == "{}" else json.loads(value)


GONE = text(
    "(replaced_at IS NOT NULL OR deleted_at IS NOT NULL OR superseded_by IS NOT NULL "
    "OR tier = 'cold')"
)
"""Which versions do not belong into the vector index. SQLite uses a partial index only for a condition
that reads as the index's does, without parameters (sqlite.org/partialindex.html, 3)."""

metadata = MetaData()

tenants = Table(
    "tenants",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Micros, nullable=False),
)

memories = Table(
    "memories",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", LargeBinary(32), nullable=False),
    Column("content", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("entities", Json, nullable=False),
    Column("importance", Float),
    Column("pinned", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("speaker", Text),
    Column("agent", Text),
    Column("session", Text),
    Column("metadata", Json, nullable=False),
    Column("valid_from", Micros, nullable=False),
    Column("valid_until", Micros),
    Column("remembered_at", Micros, nullable=False),
    Column("recorded_at", Micros, nullable=False),
    Column("replaced_at", Micros),
    Column("superseded_by", Text),
    Column("deleted_at", Micros),
    Column("restorable_until", Micros),
    Column("uses", Integer, nullable=False),
    Column("used_at", Micros, nullable=False),
    Column("tokens", Integer),
    Column("packed", LargeBinary),
    UniqueConstraint("tenant", "id", "version"),
    Index("memories_key", "tenant", "key"),
    Index("memories_session", "tenant", "session"),
    Index("memories_namespace", "tenant", "namespace"),
    Index("memories_tier", "tenant", "tier", "seq"),
    Index("memories_time", "tenant", "valid_from"),
    Index("memories_gone", "tenant", "seq", sqlite_where=GONE),
    # A seq is never given twice: an index that still knows an erased one must not hit a new one.
    sqlite_autoincrement=True,
)

labels = Table(
    "labels",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("facet", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("seq", Integer, ForeignKey("memories.seq", ondelete="CASCADE"), primary_key=True),
    Index("labels_seq", "seq"),
    sqlite_with_rowid=False,
)

models = Table(
    "models",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
)

passages = Table(
    "passages",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("model", Integer, ForeignKey("models.key"), primary_key=True),
    Column("seq", Integer, ForeignKey("memories.seq", ondelete="CASCADE"), primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False),
    Column("key", LargeBinary(32), nullable=False),
    Index("passages_seq", "seq"),
    Index("passages_key", "tenant", "model", "key"),
    sqlite_with_rowid=False,
)

vectors = Table(
    "vectors",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("model", Integer, ForeignKey("models.key"), primary_key=True),
    Column("key", LargeBinary(32), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("passage", BigInteger, nullable=False),
    Column("added", Boolean, nullable=False),
    Index("outbox_tenant", "tenant", "id"),
    # A number is never given twice: a generation was fed up to one, and everything later is new.
    sqlite_autoincrement=True,
)

cycles = Table(
    "cycles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("at", Micros, nullable=False),
    Column("summary", Text, nullable=False),
    Column("undone_at", Micros),
    Index("cycles_tenant", "tenant", "id"),
    sqlite_autoincrement=True,
)

steps = Table(
    "steps",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("cycle", Integer, ForeignKey("cycles.id"), primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("memory", Text, nullable=False),
    Column("other", Text),
    Column("before", Integer),
    Column("after", Integer),
    Column("uses", Integer, nullable=False),
    Column("used_at", Micros),
    Index("steps_memory", "tenant", "memory"),
    Index("steps_other", "tenant", "other"),
)

derivations = Table(
    "derivations",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("memory", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Index("derivations_source", "tenant", "source"),
)

indexes = Table(
    "indexes",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("model", Integer, ForeignKey("models.key"), nullable=False),
    Column("generation", Text),
    Column("sequence", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("built_at", Micros),
)

pads = Table(
    "pads",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("session", Text, nullable=False),
    Column("written_at", Micros, nullable=False),
    Column("newest", Integer, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("dropped", Integer, nullable=False),
    UniqueConstraint("tenant", "session"),
)

notes = Table(
    "notes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("pad", Integer, ForeignKey("pads.key"), nullable=False),
    Column("id", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("agent", Text),
    Column("importance", Float),
    Column("outcome", Text),
    Column("at", Micros, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("memory", Text),
    UniqueConstraint("tenant", "id"),
    Index("notes_pad", "pad", "seq"),
    Index("notes_memory", "tenant", "memory"),
    # A seq is never given twice: a pad is settled up to one.
    sqlite_autoincrement=True,
)

promotions = Table(
    "promotions",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("note", Integer, ForeignKey("notes.seq", ondelete="CASCADE"), nullable=False),
    Column("at", Micros, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("scores", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("near", Text),
    Index("promotions_note", "note", "key"),
    Index("promotions_near", "tenant", "near"),
)

sequences = table("sqlite_sequence", column("name", Text()), column("seq", Integer()))
"""SQLite's own: the highest number that each table with AUTOINCREMENT ever gave."""
