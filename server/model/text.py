"""Keys of texts: the same on every run and every machine."""

import hashlib
import unicodedata
from datetime import datetime

from .times import to_micros

__all__ = ["content_key", "passage_key"]


def content_key(content: str, *, namespace: str, speaker: str | None, at: datetime | None) -> bytes:
    """What makes two memories exact repeats: 32 bytes (SHA-256).

    The same words (Unicode NFC, outer space aside) in the same namespace by the same speaker are a
    repeat, unless they were explicitly said at another time: then they are another event.
    """
    words = unicodedata.normalize("NFC", content).strip()
    parts = (namespace, speaker or "", "" if at is None else str(to_micros(at)), words)
    return hashlib.sha256("\0".join(parts).encode()).digest()


def passage_key(text: str) -> bytes:
    """Names a passage's text for the store of vectors: 32 bytes (SHA-256)."""
    return hashlib.sha256(text.encode()).digest()
