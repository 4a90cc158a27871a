"""Versions that were picked by their seqs, as far as they may be seen."""

import json
from collections.abc import Collection
from typing import Any

from . import reads
from .about_reads import updates_among
from .packing import plain
from .readers import Fetch
from .rows import VersionRow, version_of
from .where import Sight, parameters, shape_of

__all__ = ["allowed", "by_seq", "glimpse", "with_updates"]


def allowed(fetch: Fetch, tenant: int, seqs: Collection[int], sight: Sight) -> set[int]:
    """Their seqs alone."""
    found = fetch(reads.allowed(shape_of(sight)), _picking(tenant, seqs, sight))
    return {seq for (seq,) in found}


def glimpse(
    fetch: Fetch, tenant: int, seqs: Collection[int], sight: Sight
) -> dict[int, tuple[str, str]]:
    """Their ids and contents, by seq."""
    found = fetch(reads.glimpse(shape_of(sight)), _picking(tenant, seqs, sight))
    return {seq: (name, content) for seq, name, content in plain(found, content=2)}


def by_seq(fetch: Fetch, tenant: int, seqs: Collection[int], sight: Sight) -> dict[int, VersionRow]:
    """All of them, by seq."""
    found = fetch(reads.by_seq(shape_of(sight)), _picking(tenant, seqs, sight))
    return {row.seq: row for row in map(version_of, found)}


def with_updates(
    fetch: Fetch, tenant: int, seqs: Collection[int], sight: Sight
) -> tuple[dict[int, VersionRow], list[tuple[str, str]]]:
    """All of them, by seq, and the pairs of their ids of which the first contradicts, refines or supersedes
    the second."""
    rows = by_seq(fetch, tenant, seqs, sight)
    ids = json.dumps([row.memory.id for row in rows.values()])
    pairs = fetch(updates_among(), {"tenant": tenant, "ids": ids})
    return rows, [(source, target) for source, target in pairs]


def _picking(tenant: int, seqs: Collection[int], sight: Sight) -> dict[str, Any]:
    return {**parameters(tenant, sight), "wanted": json.dumps(list(seqs))}
