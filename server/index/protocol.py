"""What an index promises."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Found", "VectorIndex", "last_of_each"]


class Found(NamedTuple):
    """The nearest vectors, nearest first: ids and cosines, both of shape (k,)."""

    ids: NDArray[np.int64]
    cosines: NDArray[np.float32]


class VectorIndex(Protocol):
    """Nearest neighbours by cosine over L2-normalised float32 vectors."""

    async def search(
        self, queries: NDArray[np.float32], limit: int, least: float = -1.0
    ) -> list[Found]:
        """Up to `limit` nearest to each query, shape (n, dimension), of at least a cosine. An empty
        index finds nothing."""
        ...

    async def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors, shape (n, dimension), or replace those whose ids are there. Repeating it
        changes nothing."""
        ...

    async def delete(self, ids: NDArray[np.int64]) -> None:
        """Remove vectors. Ids that are not there are passed over."""
        ...

    async def holds(self, ids: NDArray[np.int64]) -> bool:
        """Whether it has any of the ids: the proof after an erasure."""
        ...

    async def count(self) -> int:
        """How many vectors it holds."""
        ...

    async def aclose(self) -> None:
        """Give its memory back. Closing twice is a no-op; nothing else may be called after."""
        ...


def last_of_each(
    ids: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Without the earlier ones of ids that are there several times."""
    last = {one: place for place, one in enumerate(ids.tolist())}
    if len(last) == len(ids):
        return ids, vectors
    places = list(last.values())
    return ids[places], vectors[places]
