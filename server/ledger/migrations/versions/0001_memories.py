"""The first schema: tenants, memories, labels, models, passages, vectors."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    """
    CREATE TABLE tenants (
        key INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE memories (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        key BLOB NOT NULL,
        content TEXT NOT NULL,
        kind TEXT NOT NULL,
        tier TEXT NOT NULL,
        namespace TEXT NOT NULL,
        tags TEXT NOT NULL,
        entities TEXT NOT NULL,
        importance FLOAT,
        pinned BOOLEAN NOT NULL,
        source TEXT NOT NULL,
        speaker TEXT,
        agent TEXT,
        session TEXT,
        metadata TEXT NOT NULL,
        valid_from BIGINT NOT NULL,
        valid_until BIGINT,
        remembered_at BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL,
        replaced_at BIGINT,
        superseded_by TEXT,
        deleted_at BIGINT,
        restorable_until BIGINT,
        uses INTEGER NOT NULL,
        used_at BIGINT NOT NULL,
        UNIQUE (tenant, id, version)
    )
    """,
    "CREATE INDEX memories_key ON memories (tenant, key)",
    "CREATE INDEX memories_session ON memories (tenant, session)",
    "CREATE INDEX memories_namespace ON memories (tenant, namespace)",
    "CREATE INDEX memories_tier ON memories (tenant, tier, seq)",
    "CREATE INDEX memories_time ON memories (tenant, valid_from)",
    """
    CREATE TABLE labels (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        facet TEXT NOT NULL,
        label TEXT NOT NULL,
        seq INTEGER NOT NULL REFERENCES memories (seq) ON DELETE CASCADE,
        PRIMARY KEY (tenant, facet, label, seq)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX labels_seq ON labels (seq)",
    """
    CREATE TABLE models (
        key INTEGER NOT NULL PRIMARY KEY,
        identity TEXT NOT NULL UNIQUE,
        dimension INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE passages (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        model INTEGER NOT NULL REFERENCES models (key),
        seq INTEGER NOT NULL REFERENCES memories (seq) ON DELETE CASCADE,
        ord INTEGER NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        key BLOB NOT NULL,
        PRIMARY KEY (tenant, model, seq, ord)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX passages_seq ON passages (seq)",
    "CREATE INDEX passages_key ON passages (tenant, model, key)",
    """
    CREATE TABLE vectors (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        model INTEGER NOT NULL REFERENCES models (key),
        key BLOB NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (tenant, model, key)
    )
    """,
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
