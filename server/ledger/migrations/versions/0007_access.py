"""Who may come in, and what was done: Loci's own tokens, and the audit.

The audit is append-only. Entries go only with their tenant, and then all of them.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
    CREATE TABLE tokens (
        number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        hash BLOB NOT NULL,
        scopes TEXT NOT NULL,
        agent TEXT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        revoked_at BIGINT
    )
    """,
    "CREATE INDEX tokens_tenant ON tokens (tenant)",
    """
    CREATE TABLE audit (
        number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tenant INTEGER NOT NULL,
        at BIGINT NOT NULL,
        credential TEXT NOT NULL,
        agent TEXT,
        action TEXT NOT NULL,
        ids TEXT NOT NULL,
        count INTEGER NOT NULL
    )
    """,
    "CREATE INDEX audit_tenant ON audit (tenant, number)",
    """
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit is append-only'); END
    """,
    """
    CREATE TRIGGER audit_goes_with_its_tenant BEFORE DELETE ON audit
    WHEN EXISTS (SELECT 1 FROM tenants WHERE key = OLD.tenant)
    BEGIN SELECT raise(ABORT, 'the audit is append-only'); END
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
