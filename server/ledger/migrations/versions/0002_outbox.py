"""What the vector index has yet to be told, and what is known of each tenant's index.

Both begin empty: a tenant without a row has no index, and whoever builds one reads everything.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = (
    """
    CREATE TABLE outbox (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        passage BIGINT NOT NULL,
        added BOOLEAN NOT NULL
    )
    """,
    "CREATE INDEX outbox_tenant ON outbox (tenant, id)",
    """
    CREATE TABLE indexes (
        tenant INTEGER NOT NULL PRIMARY KEY REFERENCES tenants (key),
        model INTEGER NOT NULL REFERENCES models (key),
        generation TEXT,
        sequence INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        reason TEXT NOT NULL,
        built_at BIGINT
    )
    """,
    """
    CREATE INDEX memories_gone ON memories (tenant, seq)
    WHERE replaced_at IS NOT NULL OR deleted_at IS NOT NULL OR superseded_by IS NOT NULL
    OR tier = 'cold'
    """,
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
