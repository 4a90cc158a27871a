"""What memories are about, as tables: entities, their names, where they are named, what is said of them,
and how memories hang together.

All of it is derived from memories and hangs on their ids, not on their versions. An entity that was
merged into another keeps its row, its names and its mentions, and points to the other by `root`: so a merge can be
undone. `root` of all others is their own id.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from .tables import Json, Micros, metadata

__all__ = ["aliases", "contexts", "entities", "links", "mentions", "merges", "states"]

entities = Table(
    "entities",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("root", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("created_at", Micros, nullable=False),
    Index("entities_root", "tenant", "root"),
    sqlite_with_rowid=False,
)

merges = Table(
    "merges",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("child", Text, primary_key=True),
    Column("at", Micros, primary_key=True),
    Column("into", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("undone_at", Micros),
    sqlite_with_rowid=False,
)

aliases = Table(
    "aliases",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("folded", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("bare", Text, nullable=False),
    Column("first", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("skeleton", Text, nullable=False),
    Index("aliases_entity", "tenant", "entity"),
    Index("aliases_bare", "tenant", "bare"),
    Index("aliases_first", "tenant", "first"),
    Index("aliases_last", "tenant", "last"),
    Index("aliases_skeleton", "tenant", "skeleton"),
    sqlite_with_rowid=False,
)

mentions = Table(
    "mentions",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("memory", Text, primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False),
    Column("how", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Index("mentions_entity", "tenant", "entity"),
    sqlite_with_rowid=False,
)

states = Table(
    "states",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("memory", Text, primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("single", Boolean, nullable=False),
    Column("negated", Boolean, nullable=False),
    Index("states_entity", "tenant", "entity", "attribute"),
    sqlite_with_rowid=False,
)

contexts = Table(
    "contexts",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("memory", Text, primary_key=True),
    Column("keywords", Json, nullable=False),
    Column("context", Text, nullable=False),
    Column("extractor", Text, nullable=False),
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", Micros, nullable=False),
    Index("links_target", "tenant", "target"),
    sqlite_with_rowid=False,
)
