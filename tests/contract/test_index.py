"""What every vector index promises, against plain NumPy."""

import socket
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from loci.server.errors import IndexDamaged, IndexFailed
from loci.server.index import (
    ChromaIndex,
    CodedIndex,
    ExactIndex,
    Folder,
    HeldIndex,
    Remote,
    VectorIndex,
    Worker,
)
from loci.server.index.chroma import Place

pytestmark = pytest.mark.anyio

DIMENSION = 8
NUMBERS = count()
Make = Callable[[], Awaitable[VectorIndex]]
Held = Callable[[int], HeldIndex]
HELD = pytest.mark.parametrize("held", [ExactIndex, CodedIndex])
NewPlace = Callable[[], Place]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """For the whole module, so that its tests share a worker."""
    return "asyncio"


@pytest.fixture(scope="module")
async def worker() -> AsyncGenerator[Worker]:
    async with anyio.create_task_group() as tasks:
        one = Worker()
        tasks.start_soon(one.run)
        yield one
        tasks.cancel_scope.cancel()


@pytest.fixture(scope="module", params=["folder", "remote"])
def new_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewPlace:
    """Where there is no index of Chroma yet, each time another."""
    if request.param == "folder":
        root = tmp_path_factory.mktemp("indexes")
        return lambda: Folder(root / str(next(NUMBERS)))
    url: str = request.getfixturevalue("server")
    return lambda: Remote(url, "loci-tests", "indexes", f"index-{next(NUMBERS)}")


@pytest.fixture(scope="module")
def make_chroma(new_place: NewPlace, worker: Worker) -> Make:
    return lambda: ChromaIndex.open(worker, new_place(), DIMENSION, create=True)


@pytest.fixture(params=["exact", "coded", "folder", "remote"])
async def index(
    request: pytest.FixtureRequest, worker: Worker, tmp_path: Path
) -> AsyncGenerator[VectorIndex]:
    """Each implementation, empty."""
    if request.param in ("exact", "coded"):
        made: VectorIndex = (ExactIndex if request.param == "exact" else CodedIndex)(DIMENSION)
    else:
        place = Folder(tmp_path / "index")
        if request.param == "remote":
            url: str = request.getfixturevalue("server")
            place = Remote(url, "loci-tests", "contract", f"index-{next(NUMBERS)}")
        made = await ChromaIndex.open(worker, place, DIMENSION, create=True)
    yield made
    await made.aclose()


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
    np.testing.assert_allclose(found.cosines, (vectors @ query)[expected], atol=1e-4)


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


Steps = list[Step]
STEPS = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 400), max_size=200)))


@HELD
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
async def test_any_sequence_of_changes_leaves_what_a_dictionary_would(
    held: Held, steps: Steps
) -> None:
    await change_and_compare(held(DIMENSION), steps, missing=0)


@settings(max_examples=5, deadline=None)
@given(steps=STEPS)
async def test_any_sequence_of_changes_leaves_in_chroma_what_a_dictionary_would(
    make_chroma: Make, steps: Steps
) -> None:
    await change_and_compare(await make_chroma(), steps, missing=0.03)


async def change_and_compare(index: VectorIndex, steps: Steps, *, missing: float) -> None:
    """A graph in which vectors were replaced may lose the way to a few: `missing` is their share."""
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
    assert len(set(found.ids.tolist())) == len(found.ids)
    assert set(found.ids.tolist()) <= set(model)
    assert len(model) - len(found.ids) <= missing * len(model)
    expected = [float(model[one] @ query) for one in found.ids.tolist()]
    np.testing.assert_allclose(found.cosines, expected, rtol=1e-4, atol=1e-4)
    await index.aclose()


async def test_nothing_asked_is_nothing_done(index: VectorIndex) -> None:
    await index.upsert(ids(1, 2), unit(1, 2))
    await index.upsert(ids(), unit(1, 0))
    await index.delete(ids())
    assert not await index.holds(ids())
    assert await index.search(unit(1, 0), 5) == []
    assert await index.count() == 2


async def test_what_was_kept_is_there_when_chroma_opens_it_again(
    new_place: NewPlace, worker: Worker
) -> None:
    place, vectors = new_place(), unit(5, 700)
    first = await ChromaIndex.open(worker, place, DIMENSION, create=True)
    await first.upsert(np.arange(700), vectors)
    await first.aclose()
    again = await ChromaIndex.open(worker, place, DIMENSION, create=False)
    assert await again.count() == 700
    found = await again.search(vectors[::70], 1)
    assert [one.ids[0] for one in found] == list(range(0, 700, 70))
    await again.aclose()


async def test_a_saved_index_is_written_out_and_the_same(
    new_place: NewPlace, worker: Worker
) -> None:
    place, vectors = new_place(), unit(6, 1300)
    index = await ChromaIndex.open(worker, place, DIMENSION, create=True)
    await index.upsert(np.arange(1300), vectors)
    await index.delete(np.arange(10))
    await index.save()
    assert await index.count() == 1290
    await index.aclose()
    if isinstance(place, Folder):
        assert unsaved(place.path) == 0
    again = await ChromaIndex.open(worker, place, DIMENSION, create=False)
    assert await again.count() == 1290
    found = await again.search(vectors[10::10], 1)
    assert [one.ids[0] for one in found] == list(range(10, 1300, 10))
    await again.aclose()


def unsaved(folder: Path) -> int:
    """Vectors that Chroma has not written into its graph's files."""
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as database:
        query = "SELECT count(*) FROM embeddings_queue WHERE vector IS NOT NULL"
        (count,) = database.execute(query).fetchone()
    return count


async def test_none_of_chroma_s_are_found_where_none_are_wanted(make_chroma: Make) -> None:
    index = await make_chroma()
    await index.upsert(ids(1), unit(1))
    (found,) = await index.search(unit(1), 0)
    assert found.ids.tolist() == found.cosines.tolist() == []
    await index.aclose()


async def test_of_an_id_that_comes_twice_chroma_keeps_the_last(make_chroma: Make) -> None:
    index = await make_chroma()
    await index.upsert(ids(1, 2, 1), unit(1, 3))
    (found,) = await index.search(unit(1, 3)[2:], 1)
    assert found.ids.tolist() == [1]
    assert found.cosines[0] == pytest.approx(1, abs=1e-5)
    assert await index.count() == 2
    await index.aclose()


async def test_chroma_opens_what_is_missing_only_to_make_it(
    new_place: NewPlace, worker: Worker
) -> None:
    place = new_place()
    with pytest.raises(IndexDamaged, match="missing"):
        await ChromaIndex.open(worker, place, DIMENSION, create=False)
    assert not isinstance(place, Folder) or not place.path.exists()


async def test_chroma_does_not_open_what_has_another_dimension(
    new_place: NewPlace, worker: Worker
) -> None:
    place = new_place()
    await (await ChromaIndex.open(worker, place, DIMENSION, create=True)).aclose()
    for create in (True, False):
        with pytest.raises(IndexDamaged, match="dimension"):
            await ChromaIndex.open(worker, place, DIMENSION + 1, create=create)


async def test_a_closed_chroma_answers_nothing_and_its_files_stay_as_they_are(
    tmp_path: Path, worker: Worker
) -> None:
    index = await ChromaIndex.open(worker, Folder(tmp_path), DIMENSION, create=True)
    await index.upsert(np.arange(300), unit(1, 300))
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(index.search, unit(1, 50), 100)
        await anyio.lowlevel.checkpoint()
        await index.aclose()
    before = files(tmp_path)
    with pytest.raises(IndexFailed, match="closed"):
        await index.search(unit(1), 5)
    assert files(tmp_path) == before


async def test_a_dropped_collection_is_gone(server: str, worker: Worker) -> None:
    place = Remote(server, "loci-tests", "drop", "index")
    index = await ChromaIndex.open(worker, place, DIMENSION, create=True)
    other = await ChromaIndex.open(worker, place, DIMENSION, create=False)
    await index.upsert(ids(1), unit(1))
    await index.drop()
    with pytest.raises(IndexDamaged, match="missing"):
        await other.count()
    await other.drop()
    with pytest.raises(IndexDamaged, match="missing"):
        await ChromaIndex.open(worker, place, DIMENSION, create=False)


async def test_a_server_that_is_not_there_is_said_to_be(worker: Worker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(IndexFailed, match="connect"):
        await ChromaIndex.open(
            worker, Remote(f"http://127.0.0.1:{port}", "a", "b", "memories"), 8, create=True
        )


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@HELD
async def test_what_grows_in_a_thread_gives_no_other_s_vectors(held: Held) -> None:
    index, vectors, ids = held(DIMENSION), unit(41, 6000), np.arange(6000)
    await index.upsert(ids[:1500], vectors[:1500])
    grown = anyio.Event()

    async def grow() -> None:
        for start in range(1500, 6000, 500):
            await index.delete(ids[start - 400 : start])
            await index.upsert(ids[start : start + 500], vectors[start : start + 500])
        grown.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(grow)
            while not grown.is_set():
                given_back = index.vectors(ids[:1000])
                assert given_back is not None
                np.testing.assert_allclose(given_back, vectors[:1000], atol=1e-4)
                await anyio.lowlevel.checkpoint()


@HELD
async def test_what_is_held_gives_its_vectors_back(held: Held) -> None:
    index, vectors, ids = held(DIMENSION), unit(40, 60), np.arange(100, 160)
    for start in range(0, 60, 7):
        await index.upsert(ids[start : start + 7], vectors[start : start + 7])
    # More than half of them: what is left moves.
    await index.delete(ids[5:45])
    await index.upsert(ids[3:4], vectors[50:51])
    given_back = index.vectors(np.array([159, 100, 103]))
    assert given_back is not None
    np.testing.assert_allclose(given_back, vectors[[59, 0, 50]], atol=1e-4)
    assert index.vectors(np.array([100, 110])) is None
    await index.aclose()
    assert index.vectors(np.array([100])) is None
