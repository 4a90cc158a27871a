"""What every vector index promises, against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from loci.server.index import ExactIndex, VectorIndex

pytestmark = pytest.mark.anyio

DIMENSION = 8


@pytest.fixture(params=["exact"])
def index(request: pytest.FixtureRequest) -> VectorIndex:
    """Each implementation, empty."""
    return {"exact": ExactIndex}[request.param](DIMENSION)


def unit(seed: int, count: int = 1) -> NDArray[np.float32]:
    """Random unit vectors, shape (count, DIMENSION)."""
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ids(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


async def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    (found,) = await index.search(unit(1), 5)
    assert found.ids.tolist() == []
    assert await index.count() == 0
    assert not await index.holds(ids(1))


async def test_the_nearest_come_first_with_their_cosines(index: VectorIndex) -> None:
    vectors = unit(1, 500)
    await index.upsert(np.arange(500), vectors)
    query = unit(2)[0]
    expected = np.argsort(-(vectors @ query))[:10]
    (found,) = await index.search(query[None], 10)
    assert found.ids.tolist() == expected.tolist()
    np.testing.assert_allclose(found.cosines, (vectors @ query)[expected], rtol=1e-5)


async def test_what_is_farther_than_asked_for_is_left_out(index: VectorIndex) -> None:
    vectors = unit(1, 500)
    await index.upsert(np.arange(500), vectors)
    query = unit(2)[0]
    (found,) = await index.search(query[None], 500, 0.5)
    assert sorted(found.ids.tolist()) == np.flatnonzero(vectors @ query >= 0.5).tolist()


async def test_upserting_again_replaces(index: VectorIndex) -> None:
    await index.upsert(ids(7, 8), unit(1, 2))
    await index.upsert(ids(7), unit(3))
    await index.upsert(ids(7), unit(3))
    assert await index.count() == 2
    (found,) = await index.search(unit(3), 1)
    assert found.ids.tolist() == [7]
    assert found.cosines[0] == pytest.approx(1, abs=1e-5)


async def test_deleted_vectors_are_not_found_and_unknown_ones_passed_over(
    index: VectorIndex,
) -> None:
    await index.upsert(ids(1, 2, 3), unit(1, 3))
    await index.delete(ids(2, 99))
    assert await index.count() == 2
    assert not await index.holds(ids(2))
    one, two = await index.search(unit(1, 2), 5)
    assert set(one.ids.tolist()) == set(two.ids.tolist()) == {1, 3}


async def test_closing_twice_is_nothing(index: VectorIndex) -> None:
    await index.upsert(ids(1), unit(1))
    await index.aclose()
    await index.aclose()


Step = tuple[bool, list[int]]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 400), max_size=200))))
async def test_any_sequence_of_changes_leaves_what_a_dictionary_would(steps: list[Step]) -> None:
    index: VectorIndex = ExactIndex(DIMENSION)
    model: dict[int, NDArray[np.float32]] = {}
    for round_, (adding, values) in enumerate(steps):
        chosen = list(dict.fromkeys(values))
        if adding:
            vectors = unit(round_, len(chosen))
            await index.upsert(ids(*chosen), vectors)
            model.update(zip(chosen, vectors, strict=True))
        else:
            await index.delete(ids(*chosen))
            for one in chosen:
                model.pop(one, None)
    assert await index.count() == len(model)
    query = unit(99)[0]
    (found,) = await index.search(query[None], 1000)
    assert sorted(found.ids.tolist()) == sorted(model)
    expected = [float(model[one] @ query) for one in found.ids.tolist()]
    np.testing.assert_allclose(found.cosines, expected, rtol=1e-4, atol=1e-5)
