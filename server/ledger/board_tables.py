"""The tables of the blackboard.

A row of `cells` is one *version* of a cell, as a row of `memories` is of a memory: the current one is
not `replaced`. A cell that is gone has a current version too, without a value, so that readers can be
told. Versions are numbers of the board: every write to it makes the next.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from .tables import Json, Micros, metadata

__all__ = ["boards", "cells", "promotions", "receipts"]

CURRENT = text("replaced IS NULL")

boards = Table(
    "boards",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("name", Text, nullable=False),
    # Empty for a public board: NULLs would not be unique.
    Column("agent", Text, nullable=False),
    Column("made_by", Text),
    Column("version", Integer, nullable=False),
    # Up to which deletions are not known any more.
    Column("floor", Integer, nullable=False),
    # Not after the first of its cells expires.
    Column("due_at", Micros),
    Column("changed_at", Micros, nullable=False),
    UniqueConstraint("tenant", "name", "agent"),
    Index("boards_due", "tenant", "due_at"),
)

cells = Table(
    "cells",
    metadata,
    Column("board", Integer, ForeignKey("boards.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    # 1 for the first version of the cell, then 2, …
    Column("ordinal", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("op", Text, nullable=False),
    Column("value", Json, nullable=False),
    Column("agent", Text),
    Column("at", Micros, nullable=False),
    Column("expires_at", Micros),
    # By which version; NULL: it is the current one.
    Column("replaced", Integer),
    Index("cells_changed", "board", "version", sqlite_where=CURRENT),
    Index("cells_current", "board", "key", unique=True, sqlite_where=CURRENT),
)

receipts = Table(
    "board_receipts",
    metadata,
    Column("board", Integer, ForeignKey("boards.id"), primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("request", Text, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Micros, nullable=False),
)

promotions = Table(
    "board_promotions",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("memory", Text, primary_key=True),
    Column("board", Integer, ForeignKey("boards.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
)
"""Which memory says what a cell said, so that an erasure reaches both."""
