"""Rows of the ledger as values, both ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from ..model import Kind, Memory, Source, Tier
from .about import About
from .packing import unpack_text
from .tables import memories

__all__ = [
    "NewMemory",
    "NewPassage",
    "VersionRow",
    "as_kept",
    "memory_of",
    "pack",
    "unpack",
    "values_of",
    "version_of",
]


_NAMES = [column.name for column in memories.columns]
_LEDGERS = ("seq", "tenant", "key", "tokens", "packed")
"""Columns that are no part of a memory."""


class NewPassage(NamedTuple):
    """A passage to be stored, with its vector: float32, shape (dimension,)."""

    start: int
    stop: int
    key: bytes
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """A first version to be stored, all in one transaction."""

    memory: Memory
    key: bytes
    """See `content_key`."""
    passages: Sequence[NewPassage]
    supersedes: tuple[str, ...] = ()
    outdates: tuple[str, ...] = ()
    """What it supersedes besides, as far as it is still there."""
    about: About | None = None
    """None: it is looked through later."""


class VersionRow(NamedTuple):
    """A version and its place in the ledger."""

    seq: int
    memory: Memory


def version_of(cells: Sequence[Any]) -> VersionRow:
    """The version in the cells of all columns of `memories`, in their order."""
    row = dict(zip(_NAMES, cells, strict=True))
    return VersionRow(row["seq"], memory_of(row))


def memory_of(m: Mapping[str, Any] | RowMapping) -> Memory:
    """The version in a row that has all columns of `memories`."""
    return Memory(
        id=m["id"],
        version=m["version"],
        content=m["content"] if m["packed"] is None else unpack_text(m["packed"]),
        kind=Kind(m["kind"]),
        tier=Tier(m["tier"]),
        namespace=m["namespace"],
        tags=tuple(m["tags"]),
        entities=tuple(m["entities"]),
        importance=m["importance"],
        pinned=bool(m["pinned"]),
        source=Source(m["source"]),
        speaker=m["speaker"],
        agent=m["agent"],
        session=m["session"],
        metadata=m["metadata"],
        valid_from=m["valid_from"],
        valid_until=m["valid_until"],
        remembered_at=m["remembered_at"],
        recorded_at=m["recorded_at"],
        replaced_at=m["replaced_at"],
        superseded_by=m["superseded_by"],
        deleted_at=m["deleted_at"],
        restorable_until=m["restorable_until"],
        uses=m["uses"],
        used_at=m["used_at"],
    )


def values_of(memory: Memory, *, tenant: int, key: bytes) -> dict[str, Any]:
    """The columns of a version, without `seq`."""
    names = [c.name for c in memories.columns if c.name not in _LEDGERS]
    return {"tenant": tenant, "key": key, **{n: getattr(memory, n) for n in names}}


def pack(vector: NDArray[np.float32]) -> bytes:
    """A vector as little-endian float16. Cosines keep about three digits, which is what counts."""
    return vector.astype("<f2").tobytes()


def unpack(blobs: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Packed vectors as float32 of unit length, shape (n, dimension)."""
    flat = np.frombuffer(b"".join(blobs), dtype="<f2")
    return _unit(flat.astype(np.float32).reshape(len(blobs), dimension))


def as_kept(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors, shape (n, dimension), as they will come back: a restart must change no ranking."""
    return _unit(vectors.astype("<f2").astype(np.float32))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounding makes a length a little wrong; an index that divides by it would rank otherwise."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
