"""Bringing a database up to date, or refusing it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ...errors import StoreFromFuture

__all__ = ["HEAD", "revision_of", "upgrade"]

HEAD = "0001"
"""The newest migration. A test holds it to the files in `versions/`."""


def revision_of(connection: Connection) -> str | None:
    """The migration a database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the caller's transaction.

    Raises:
        StoreFromFuture: the database is at a migration that this Loci does not know.
    """
    at = revision_of(connection)
    if at == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if at is not None and at not in known:
        raise StoreFromFuture(
            f"The database is of a newer Loci (schema {at}; this one knows up to {HEAD}). "
            "Update Loci, or use another --home."
        )
    command.upgrade(config, "head")
