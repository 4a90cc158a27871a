"""Tenants, the tokens that Loci gives out itself, and what was done: as they are kept and shown."""

from dataclasses import dataclass
from datetime import datetime

from .answers import Residue

__all__ = ["AuditEntry", "Deed", "Issued", "TenantErased", "TenantRow", "Token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A tenant, as the administrator sees it."""

    name: str
    created_at: datetime
    memories: int
    """Current ones, deleted ones aside."""
    tokens: int
    """Neither expired nor revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One of Loci's own tokens. The secret itself is nowhere: its SHA-256 is kept."""

    id: str
    tenant: str
    scopes: tuple[str, ...]
    agent: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token, and its secret, which is shown this once."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody did, without any content."""

    credential: str
    agent: str | None
    action: str
    ids: tuple[str, ...]
    """Up to 100 of the memories and notes concerned; of a board, `board/key`."""
    count: int
    """How many they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A deed, as it was written down."""

    number: int
    at: datetime
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantErased:
    """The receipt for a tenant that is gone."""

    tenant: str
    at: datetime
    memories: int
    versions: int
    tokens: int
    audit: int
    """Entries that went with it."""
    sought: int
    """Memories whose texts, ids and vectors were looked for in every file afterwards."""
    residue: Residue
