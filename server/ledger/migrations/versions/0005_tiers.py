"""Cold contents packed, tokens counted once, and what consolidation did."""

from alembic import op

revision = "0005"
down_revision = "0004"

_CHANGES = (
    "ALTER TABLE memories ADD COLUMN tokens INTEGER",
    "ALTER TABLE memories ADD COLUMN packed BLOB",
    """
    CREATE TABLE cycles (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        at BIGINT NOT NULL,
        summary TEXT NOT NULL,
        undone_at BIGINT
    )
    """,
    "CREATE INDEX cycles_tenant ON cycles (tenant, id)",
    """
    CREATE TABLE steps (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        cycle INTEGER NOT NULL REFERENCES cycles (id),
        ord INTEGER NOT NULL,
        kind TEXT NOT NULL,
        memory TEXT NOT NULL,
        other TEXT,
        before INTEGER,
        after INTEGER,
        uses INTEGER NOT NULL,
        used_at BIGINT,
        PRIMARY KEY (tenant, cycle, ord)
    )
    """,
    "CREATE INDEX steps_memory ON steps (tenant, memory)",
    "CREATE INDEX steps_other ON steps (tenant, other)",
    """
    CREATE TABLE derivations (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        memory TEXT NOT NULL,
        source TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (tenant, memory, source)
    )
    """,
    "CREATE INDEX derivations_source ON derivations (tenant, source)",
)


def upgrade() -> None:
    for statement in _CHANGES:
        op.execute(statement)
