"""What memories are about: entities, names, mentions, states, contexts, links.

They begin empty: what was remembered before is looked through behind the answers.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLES = (
    """
    CREATE TABLE entities (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        id TEXT NOT NULL,
        root TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX entities_root ON entities (tenant, root)",
    """
    CREATE TABLE merges (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        child TEXT NOT NULL,
        at BIGINT NOT NULL,
        "into" TEXT NOT NULL,
        evidence TEXT NOT NULL,
        undone_at BIGINT,
        PRIMARY KEY (tenant, child, at)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE aliases (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        folded TEXT NOT NULL,
        entity TEXT NOT NULL,
        name TEXT NOT NULL,
        bare TEXT NOT NULL,
        first TEXT NOT NULL,
        last TEXT NOT NULL,
        skeleton TEXT NOT NULL,
        PRIMARY KEY (tenant, folded, entity)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX aliases_entity ON aliases (tenant, entity)",
    "CREATE INDEX aliases_bare ON aliases (tenant, bare)",
    "CREATE INDEX aliases_first ON aliases (tenant, first)",
    "CREATE INDEX aliases_last ON aliases (tenant, last)",
    "CREATE INDEX aliases_skeleton ON aliases (tenant, skeleton)",
    """
    CREATE TABLE mentions (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        memory TEXT NOT NULL,
        ord INTEGER NOT NULL,
        entity TEXT NOT NULL,
        folded TEXT NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        how TEXT NOT NULL,
        evidence TEXT NOT NULL,
        PRIMARY KEY (tenant, memory, ord)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mentions_entity ON mentions (tenant, entity)",
    """
    CREATE TABLE states (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        memory TEXT NOT NULL,
        ord INTEGER NOT NULL,
        entity TEXT NOT NULL,
        attribute TEXT NOT NULL,
        value TEXT NOT NULL,
        single BOOLEAN NOT NULL,
        negated BOOLEAN NOT NULL,
        PRIMARY KEY (tenant, memory, ord)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX states_entity ON states (tenant, entity, attribute)",
    """
    CREATE TABLE contexts (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        memory TEXT NOT NULL,
        keywords TEXT NOT NULL,
        context TEXT NOT NULL,
        extractor TEXT NOT NULL,
        PRIMARY KEY (tenant, memory)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE links (
        tenant INTEGER NOT NULL REFERENCES tenants (key),
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        type TEXT NOT NULL,
        why TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (tenant, source, target, type)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX links_target ON links (tenant, target)",
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
