"""What codes find among more vectors than are compared one by one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from loci.server.embedding import HashEmbedder
from loci.server.index import CodedIndex, ExactIndex

pytestmark = pytest.mark.anyio

Vectors = NDArray[np.float32]
LIMIT = 10


def unit(rows: NDArray[np.float64]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(dimension: int) -> tuple[Vectors, Vectors]:
    """Vectors around 200 centres, and some near others of them."""
    dice = np.random.default_rng(1)
    centres = dice.standard_normal((200, dimension))
    places = dice.integers(200, size=12_040)
    rows = unit(centres[places] + dice.standard_normal((12_040, dimension)))
    return rows[40:], rows[:40]


async def sparse() -> tuple[Vectors, Vectors]:
    """Of a few words each: most coordinates are 0, and have no sign."""
    dice = np.random.default_rng(2)
    texts = [" ".join(f"w{n}" for n in dice.zipf(1.3, 9) % 5000) for _ in range(12_040)]
    rows = np.asarray(await HashEmbedder(384).embed_documents(texts), np.float32)
    return rows[40:], rows[:40]


async def found_share(vectors: Vectors, queries: Vectors) -> float:
    coded, exact = CodedIndex(vectors.shape[1]), ExactIndex(vectors.shape[1])
    for index in (coded, exact):
        await index.upsert(np.arange(len(vectors)), vectors)
    pairs = zip(await coded.search(queries, LIMIT), await exact.search(queries, LIMIT), strict=True)
    # Of equally near ones either may come.
    near = [(one.cosines >= best.cosines[-1] - 1e-4).sum() for one, best in pairs]
    return sum(near) / (LIMIT * len(queries))


@pytest.mark.parametrize("dimension", [100, 384])
async def test_nearly_all_of_the_nearest_are_found(dimension: int) -> None:
    assert await found_share(*clustered(dimension)) > 0.98


async def test_nearly_all_are_found_where_most_coordinates_are_nothing() -> None:
    assert await found_share(*await sparse()) > 0.95


async def test_of_more_equal_ones_than_are_compared_the_newest_come() -> None:
    index, same = CodedIndex(64), unit(np.ones((1, 64)))
    await index.upsert(np.arange(5000), np.repeat(same, 5000, axis=0))
    (found,) = await index.search(same, LIMIT)
    assert len(found.ids) == LIMIT
    assert found.ids.min() >= 4000
    assert found.cosines == pytest.approx(1, abs=1e-4)


async def test_what_was_removed_takes_nobody_s_place() -> None:
    """Of 3,000 the nearest 1,400 are removed: more than are compared at the least."""
    vectors, queries = clustered(64)
    index, query = CodedIndex(64), queries[:1]
    order = np.argsort(-(vectors[:3000] @ query[0]))
    await index.upsert(np.arange(3000), vectors[:3000])
    await index.delete(order[:1400])
    (found,) = await index.search(query, LIMIT)
    assert len(found.ids) == LIMIT
    assert not set(found.ids.tolist()) & set(order[:1400].tolist())
    best = vectors[order[1400 : 1400 + LIMIT]] @ query[0]
    assert found.cosines == pytest.approx(best, abs=0.01)
    await index.delete(order[1400:2999])
    (last,) = await index.search(query, LIMIT)
    assert last.ids.tolist() == [order[2999]]


async def test_a_vector_of_nothing_is_near_nothing() -> None:
    index = CodedIndex(64)
    await index.upsert(np.arange(2), np.zeros((2, 64), np.float32))
    (found,) = await index.search(unit(np.ones((1, 64))), LIMIT)
    assert found.cosines == pytest.approx(0, abs=1e-6)
