"""Memories for a ledger without an engine: contents are told apart by their text, vectors are drawn."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from loci.server.ledger import NewMemory, NewPassage, OutboxRow, TenantLedger, open_ledger
from loci.server.model import Kind, Memory, Source, Tier, content_key, new_memory_id

__all__ = [
    "DIMENSION",
    "NOW",
    "UNTIL",
    "a_dated",
    "a_memory",
    "changes",
    "key_of",
    "open_tenant",
    "pages",
    "parts",
    "replayed",
]

DIMENSION = 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = NOW + timedelta(days=30)


def key_of(content: str) -> bytes:
    """What tells contents apart."""
    return hashlib.sha256(content.encode()).digest()


def parts(content: str, count: int = 1) -> list[NewPassage]:
    """So many passages of a text."""
    keys = [key_of(f"{content} {place}") for place in range(count)]
    dice = [np.random.default_rng(list(key)) for key in keys]
    drawn = [one.standard_normal(DIMENSION) for one in dice]
    vectors = [(vector / np.linalg.norm(vector)).astype(np.float32) for vector in drawn]
    return [NewPassage(0, len(content), *pair) for pair in zip(keys, vectors, strict=True)]


def a_memory(
    name: str, content: str = "", *, supersedes: tuple[str, ...] = (), passages: int = 1
) -> NewMemory:
    """A first version. Without a content it says its name."""
    content = content or name
    memory = Memory(
        id=name,
        version=1,
        content=content,
        kind=Kind.SEMANTIC,
        tier=Tier.WARM,
        namespace="",
        tags=(),
        entities=(),
        importance=None,
        pinned=False,
        source=Source.USER,
        speaker=None,
        agent=None,
        session=None,
        metadata={},
        valid_from=NOW,
        valid_until=None,
        remembered_at=NOW,
        recorded_at=NOW,
        replaced_at=None,
        superseded_by=None,
        deleted_at=None,
        restorable_until=None,
        uses=0,
        used_at=NOW,
    )
    found = parts(content, passages)
    return NewMemory(memory=memory, key=key_of(content), passages=found, supersedes=supersedes)


def a_dated(
    number: int, text: str, *, session: str | None = None, pinned: bool = False
) -> NewMemory:
    """A memory of a text, used once, so many seconds after `NOW`."""
    at = NOW + timedelta(seconds=number)
    times = dict.fromkeys(("valid_from", "remembered_at", "recorded_at", "used_at"), at)
    first = a_memory(new_memory_id(), text).memory
    memory = replace(first, **times, session=session, pinned=pinned, uses=1)
    key = content_key(text, namespace="", speaker=None, at=at)
    vector = np.full(DIMENSION, 0.5, np.float32)
    return NewMemory(memory=memory, key=key, passages=[NewPassage(0, len(text), key, vector)])


@asynccontextmanager
async def open_tenant(
    home: Path, name: str = "ada", *, model: str = "hash", feeding: bool = True
) -> AsyncGenerator[TenantLedger]:
    """One tenant of the ledger in a directory."""
    async with open_ledger(home / "ledger.db") as ledger:
        yield await ledger.for_tenant(name, model=model, dimension=DIMENSION, feeding=feeding)


async def changes(ledger: TenantLedger, after: int = 0) -> list[int]:
    """The passages in the outbox, oldest change first; negative where they are removed."""
    rows = await ledger.index.pending(after, 1000)
    return [row.passage if row.added else -row.passage for row in rows]


async def pages(ledger: TenantLedger) -> set[int]:
    """All passages that belong into the index."""
    found: set[int] = set()
    after: int | None = 0
    while after is not None:
        rows, after = await ledger.index.page(after)
        found |= set(rows.ids.tolist())
    return found


def replayed(ids: set[int], rows: Sequence[OutboxRow]) -> set[int]:
    """What an index holds after it was told of some changes."""
    held = set(ids)
    for row in rows:
        (held.add if row.added else held.discard)(row.passage)
    return held
