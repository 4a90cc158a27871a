"""Alembic's migrations of the ledger, and how they are run at open.

A database is upgraded in one transaction, after a copy of it was put into `backups/`. Alembic is
imported only when there is something to upgrade: a start with an up-to-date database pays nothing.
"""

from .upgrade import SCRIPTS, newest, refuse_future, revision_of, upgrade

__all__ = ["SCRIPTS", "newest", "refuse_future", "revision_of", "upgrade"]
