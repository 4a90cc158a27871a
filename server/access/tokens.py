"""Loci's own tokens: `loci_<id>_<secret>`. The ledger keeps the SHA-256, which is enough for a secret
of 256 random bits."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from ..errors import InvalidInput
from ..model import Issued, Token
from .scopes import Scope

__all__ = ["PREFIX", "digest_of", "id_of", "is_same", "new_token"]

PREFIX = "loci_"
_SHAPE = re.compile(r"loci_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_LONGEST = timedelta(days=3650)


def new_token(
    tenant: str, scopes: Iterable[Scope], agent: str | None, now: datetime, lasts: timedelta
) -> tuple[Issued, bytes]:
    """A token, and the digest to keep. Raises InvalidInput."""
    kept = tuple(sorted(set(scopes)))
    if not kept:
        raise InvalidInput(f"scopes: give some of {', '.join(Scope)}.")
    if not timedelta() < lasts <= _LONGEST:
        raise InvalidInput(f"A token lasts for 1 to {_LONGEST.days} days.")
    if agent is not None and (not agent.isprintable() or not 1 <= len(agent) <= 100):
        raise InvalidInput("agent: give 1 to 100 printable characters.")
    name = secrets.token_hex(8)
    secret = f"{PREFIX}{name}_{secrets.token_urlsafe(32)}"
    token = Token(
        id=name,
        tenant=tenant,
        scopes=kept,
        agent=agent,
        created_at=now,
        expires_at=now + lasts,
    )
    return Issued(token=token, secret=secret), digest_of(secret)


def id_of(secret: str) -> str | None:
    """The id in a token; None if it has not the shape of one."""
    found = _SHAPE.fullmatch(secret)
    return found[1] if found else None


def digest_of(secret: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).digest()


def is_same(secret: str, digest: bytes) -> bool:
    """Whether a digest is that of a token, told in constant time."""
    return hmac.compare_digest(digest_of(secret), digest)
