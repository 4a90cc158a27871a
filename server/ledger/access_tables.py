"""The tables of who may come in, and of who did what."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from .tables import Json, Micros, metadata

__all__ = ["audit", "tokens"]

tokens = Table(
    "tokens",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("agent", Text),
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Column("revoked_at", Micros),
    Index("tokens_tenant", "tenant"),
    # A number is never given twice: the highest says whether there ever was a token.
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    # No foreign key: the trigger asks whether the tenant is there before an entry may go.
    Column("tenant", Integer, nullable=False),
    Column("at", Micros, nullable=False),
    Column("credential", Text, nullable=False),
    Column("agent", Text),
    Column("action", Text, nullable=False),
    Column("ids", Json, nullable=False),
    Column("count", Integer, nullable=False),
    Index("audit_tenant", "tenant", "number"),
    sqlite_autoincrement=True,
)
