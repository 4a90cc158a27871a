"""Bringing a database up to date, or refusing it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ...errors import StoreFromFuture

__all__ = ["SCRIPTS", "newest", "refuse_future", "revision_of", "upgrade"]

SCRIPTS = Path(__file__).parent
"""Where Alembic finds `env.py` and `versions/`."""


def newest(scripts: Path = SCRIPTS) -> str:
    """The newest migration: they are numbered, and their files begin with the number."""
    return max(file.name.partition("_")[0] for file in (scripts / "versions").glob("0*.py"))


def revision_of(connection: Connection) -> str | None:
    """The migration a database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def refuse_future(at: str | None, head: str) -> None:
    """Raises StoreFromFuture for a database at a migration that this Loci does not know."""
    if at is not None and at > head:
        raise StoreFromFuture(
            f"The database is of a newer Loci (schema {at}; this one knows up to {head}). "
            "Update Loci, or use another --home."
        )


def upgrade(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Run the missing migrations in the caller's transaction."""
    # Alembic takes .1 s to import: a start with nothing to upgrade need not pay it.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
