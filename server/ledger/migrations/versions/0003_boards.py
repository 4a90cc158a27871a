"""The blackboard: boards, the versions of their cells, receipts of writes that may be repeated, and
which memories came from them.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = (
    """
    CREATE TABLE boards (
        id INTEGER NOT NULL PRIMARY KEY,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        name TEXT NOT NULL,
        agent TEXT NOT NULL,
        made_by TEXT,
        version INTEGER NOT NULL,
        floor INTEGER NOT NULL,
        due_at BIGINT,
        changed_at BIGINT NOT NULL,
        UNIQUE (tenant, name, agent)
    )
    """,
    "CREATE INDEX boards_due ON boards (tenant, due_at)",
    """
    CREATE TABLE cells (
        board INTEGER NOT NULL REFERENCES boards (id),
        key TEXT NOT NULL,
        ordinal INTEGER NOT NULL,
        version INTEGER NOT NULL,
        op TEXT NOT NULL,
        value TEXT NOT NULL,
        agent TEXT,
        at BIGINT NOT NULL,
        expires_at BIGINT,
        replaced INTEGER,
        PRIMARY KEY (board, key, ordinal)
    )
    """,
    "CREATE INDEX cells_changed ON cells (board, version) WHERE replaced IS NULL",
    "CREATE UNIQUE INDEX cells_current ON cells (board, key) WHERE replaced IS NULL",
    """
    CREATE TABLE board_receipts (
        board INTEGER NOT NULL REFERENCES boards (id),
        agent TEXT NOT NULL,
        request TEXT NOT NULL,
        digest BLOB NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (board, agent, request)
    )
    """,
    """
    CREATE TABLE board_promotions (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        memory TEXT NOT NULL,
        board INTEGER NOT NULL REFERENCES boards (id),
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (tenant, memory, board, key, version)
    )
    """,
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
