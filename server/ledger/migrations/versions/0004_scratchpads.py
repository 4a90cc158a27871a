"""Scratchpads: a session's notes, and what was decided of each."""

from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = (
    """
    CREATE TABLE pads (
        key INTEGER NOT NULL PRIMARY KEY,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        session TEXT NOT NULL,
        written_at BIGINT NOT NULL,
        newest INTEGER NOT NULL,
        ended BOOLEAN NOT NULL,
        settled BOOLEAN NOT NULL,
        dropped INTEGER NOT NULL,
        UNIQUE (tenant, session)
    )
    """,
    """
    CREATE TABLE notes (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        pad INTEGER NOT NULL REFERENCES pads (key),
        id TEXT NOT NULL,
        section TEXT NOT NULL,
        content TEXT NOT NULL,
        namespace TEXT NOT NULL,
        agent TEXT,
        importance FLOAT,
        outcome TEXT,
        at BIGINT NOT NULL,
        uses INTEGER NOT NULL,
        memory TEXT,
        UNIQUE (tenant, id)
    )
    """,
    "CREATE INDEX notes_pad ON notes (pad, seq)",
    "CREATE INDEX notes_memory ON notes (tenant, memory)",
    """
    CREATE TABLE promotions (
        key INTEGER NOT NULL PRIMARY KEY,
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE,
        at BIGINT NOT NULL,
        occasion TEXT NOT NULL,
        verdict TEXT NOT NULL,
        score FLOAT NOT NULL,
        scores TEXT NOT NULL,
        reason TEXT NOT NULL,
        near TEXT
    )
    """,
    "CREATE INDEX promotions_note ON promotions (note, key)",
    "CREATE INDEX promotions_near ON promotions (tenant, near)",
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
