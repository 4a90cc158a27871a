"""A search where nothing is held: all vectors are compared while they are read from the ledger."""

import numpy as np
from numpy.typing import NDArray

from ..index import ExactIndex, Found
from ..ledger import IndexLedger
from .served import merged

__all__ = ["scan"]

_NOTHING = Found(np.empty(0, np.int64), np.empty(0, np.float32))


async def scan(
    ledger: IndexLedger, queries: NDArray[np.float32], limit: int, least: float
) -> list[Found]:
    """As VectorIndex.search, over a page of vectors at a time."""
    best = [_NOTHING for _ in queries]
    async for rows in ledger.pages():
        page = ExactIndex(queries.shape[1])
        await page.upsert(rows.ids, rows.vectors)
        found = await page.search(queries, limit, least)
        best = [merged(one, more, limit) for one, more in zip(best, found, strict=True)]
    return best
