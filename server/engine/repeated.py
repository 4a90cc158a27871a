"""Statements that were said twice: the newest stands for the others."""

from collections.abc import Sequence

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..consolidation import Statement, groups_of, same
from ..ledger import Merge, Taken, seqs_of
from ..model import Merged
from .room import Room

__all__ = ["merges"]

_GROUPS = 200
"""Whose vectors are read at once."""

Vectors = dict[int, NDArray[np.float32]]
"""The passages of versions, each of shape (n, dimension), by seq."""


async def merges(
    room: Room, statements: Sequence[Statement], most: int
) -> tuple[list[Merge], tuple[Merged, ...], int]:
    """What is to be merged, up to so many, what is told of it, and how many are left."""
    undone = await room.ledger.cycles.undone_merges()
    groups = await to_thread.run_sync(groups_of, statements)
    found: list[Merge] = []
    for start in range(0, len(groups), _GROUPS):
        some = groups[start : start + _GROUPS]
        vectors = await _vectors(
            room, [one.seq for keeper, olds in some for one in (keeper, *olds)]
        )
        found += [
            Merge(Taken(old.seq, old.id), Taken(keeper.seq, keeper.id))
            for keeper, olds in some
            for old in olds
            if (old.id, keeper.id) not in undone and _agree(vectors, old.seq, keeper.seq)
        ]
    return found[:most], await _told(room, found[:most]), max(len(found) - most, 0)


async def _vectors(room: Room, seqs: Sequence[int]) -> Vectors:
    rows = await room.ledger.index_rows(seqs)
    versions = seqs_of(rows.ids)
    return {int(seq): rows.vectors[versions == seq] for seq in np.unique(versions)}


def _agree(vectors: Vectors, one: int, other: int) -> bool:
    """What has no vectors yet waits for the next cycle."""
    return one in vectors and other in vectors and same(vectors[one], vectors[other])


async def _told(room: Room, found: Sequence[Merge]) -> tuple[Merged, ...]:
    seen = await room.ledger.glimpse({one.keeper.seq for one in found}, room.sight())
    groups: dict[str, list[str]] = {}
    contents = dict(seen.values())
    for one in found:
        groups.setdefault(one.keeper.id, []).append(one.old.id)
    return tuple(
        Merged(into=keeper, ids=tuple(olds), content=contents.get(keeper, ""))
        for keeper, olds in groups.items()
    )
