"""Statistics of a ledger of a hundred tenants with ten thousand memories each, the same in every ledger.

Without any, SQLite takes it that few rows are one tenant's, and walks through all of a tenant's memories where an
index leads to the few that are sought. With fixed ones its plans are the same everywhere, and for ever
(sqlite.org/queryplanner-ng.html, "checklist for avoiding or fixing query planner problems"). `ANALYZE` is run by nobody.

For each index: its rows, then how many have the same first column, the same first two, and so on.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

_ROWS = {
    "memories": {
        "memories_time": "1000000 10000 1",
        "memories_tier": "1000000 10000 5000 1",
        "memories_namespace": "1000000 10000 1000",
        "memories_session": "1000000 10000 20",
        "memories_key": "1000000 10000 1",
        "memories_gone": "10000 100 1",
        "sqlite_autoindex_memories_1": "1000000 10000 2 1",
    },
    "passages": {
        "passages": "1000000 10000 10000 1 1",
        "passages_key": "1000000 10000 10000 1",
        "passages_seq": "1000000 1",
    },
    "vectors": {"sqlite_autoindex_vectors_1": "1000000 10000 10000 1"},
    "labels": {"labels": "1000000 10000 3000 10 1", "labels_seq": "1000000 3"},
    "outbox": {"outbox_tenant": "10000 100 1"},
    "contexts": {"contexts": "1000000 10000 1"},
    "entities": {"entities": "300000 3000 1", "entities_root": "300000 3000 1"},
    "aliases": {
        "aliases": "400000 4000 2 1",
        "aliases_entity": "400000 4000 2",
        "aliases_bare": "400000 4000 2",
        "aliases_first": "400000 4000 10",
        "aliases_last": "400000 4000 10",
        "aliases_skeleton": "400000 4000 3",
    },
    "mentions": {"mentions": "2000000 20000 2 1", "mentions_entity": "2000000 20000 7"},
    "states": {"states": "300000 3000 2 1", "states_entity": "300000 3000 3 2"},
    "links": {"links": "1000000 10000 2 1 1", "links_target": "1000000 10000 2"},
    "merges": {"merges": "10000 100 2 1"},
    "derivations": {
        "derivations_source": "100000 1000 2",
        "sqlite_autoindex_derivations_1": "100000 1000 5 1",
    },
    "steps": {
        "steps_memory": "100000 1000 2",
        "steps_other": "100000 1000 2",
        "sqlite_autoindex_steps_1": "100000 1000 10 1",
    },
    "notes": {
        "notes_memory": "100000 1000 2",
        "notes_pad": "100000 20 1",
        "sqlite_autoindex_notes_1": "100000 1000 1",
    },
}


def upgrade() -> None:
    # Makes the table, which cannot be made otherwise.
    op.execute("ANALYZE tenants")
    op.execute("DELETE FROM sqlite_stat1")
    for table, indexes in _ROWS.items():
        for index, stat in indexes.items():
            op.execute(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{stat}')")
    op.execute("ANALYZE sqlite_schema")
