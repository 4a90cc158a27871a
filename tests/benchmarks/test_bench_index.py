"""The index, measured by hand: `python -m pytest -m bench -s tests/benchmarks/test_bench_index.py`.

Vectors are real embeddings (of the sentences that `LOCI_BENCH_TEXTS` names, a file with one a line; else
generated ones) and, beyond those, mixtures of two of them with a little noise. The large run takes
as many vectors as `LOCI_BENCH_VECTORS` says: 1,000,000 take 17 to 21 minutes.

Everything is measured in process, without a client: `tests/benchmarks/test_bench_server.py` goes over stdio.
Each test can be run alone: `-k finds_what`, `-k each_way`, `-k hardly_grows`, `-k many_vectors`, `-k thousand`.
"""

import itertools
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from support.engines import keep, opened
from support.sentences import sentence
from support.workers import workers

from loci.server.embedding import CompiledEmbedder, HashEmbedder, shipped
from loci.server.engine import Engine, Limits, Memories
from loci.server.index import CodedIndex, ExactIndex, Generations, VectorIndex
from loci.server.index.running import open_shelves
from loci.server.model import Query

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

DIMENSION = 384
QUERIES = 200
BATCH = 256
TURNS = 40
FED = 12_000

Vectors = NDArray[np.float32]


def show(line: str) -> None:
    sys.stdout.write(f"\n{line}")


def unit(vectors: NDArray[Any]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


async def embedded(count: int) -> Vectors:
    """Embeddings of real sentences, as far as there are any, in random order."""
    named = os.environ.get("LOCI_BENCH_TEXTS")
    if named is None:
        words = [
            "Ada",
            "Bob",
            "likes",
            "sells",
            "harbours",
            "violins",
            "in",
            "spring",
            "winter",
            "quietly",
            "never",
            "with",
            "budget",
        ]
        dice = np.random.default_rng(1)
        texts = [" ".join(dice.choice(words, 9)) for _ in range(min(count, 4000))]
    else:
        whole = await anyio.Path(named).read_text(encoding="utf-8")
        texts = whole.splitlines()[:count]
    embedder = shipped()
    found = np.asarray(await embedder.embed_documents(texts), np.float32)
    await embedder.aclose()
    return found[np.random.default_rng(2).permutation(len(found))]


def mixed(real: Vectors, count: int, seed: int) -> Vectors:
    dice = np.random.default_rng(seed)
    one: Vectors = real[dice.integers(len(real), size=count)]
    other: Vectors = real[dice.integers(len(real), size=count)]
    share = dice.uniform(0.2, 0.5, (count, 1))
    noise = dice.normal(0, 0.01, (count, real.shape[1]))
    return unit(one * (1 - share) + other * share + noise)


@asynccontextmanager
async def generations(home: Path) -> AsyncGenerator[Generations]:
    async with open_shelves(home) as shelves:
        yield shelves.of("bench", "bench", DIMENSION)


async def build(home: Generations, real: Vectors, count: int) -> str:
    """Feed so many vectors. The rate is what a rebuild has."""
    draft = await home.begin()
    begun = time.perf_counter()
    for start in range(0, count, BATCH):
        stop = min(start + BATCH, count)
        batch = real[start:stop] if stop <= len(real) else mixed(real, stop - start, start)
        await draft.upsert(np.arange(start, stop), batch)
        if start % (BATCH * 400) == 0:
            show(f"{start:,} after {time.perf_counter() - begun:.0f} s")
    peak = max(one.memory_info().rss for one in workers())
    name = await draft.seal(0)
    taken = time.perf_counter() - begun
    show(
        f"built {count:,} in {taken:.0f} s: {count / taken:,.0f} a second; worker {peak >> 20:,} MB"
    )
    await draft.aclose()
    return name


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def latencies(index: VectorIndex, queries: Vectors, limit: int) -> list[float]:
    taken: list[float] = []
    for query in queries:
        begun = time.perf_counter()
        await index.search(query[None], limit)
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


async def test_the_index_finds_what_exact_search_finds(tmp_path: Path) -> None:
    """On real embeddings, none of them mixed; half of them ask."""
    real = await embedded(40_000)
    stored, asking = real[: -len(real) // 10], real[-len(real) // 10 :][:QUERIES]
    async with generations(tmp_path) as home:
        name = await build(home, stored, len(stored))
        index = await home.open(name, 0)
        found = await index.search(asking, 10)
        exact = np.argsort(-(asking @ stored.T), axis=1)[:, :10]
        pairs = zip(found, exact, strict=True)
        hits = sum(len(set(one.ids.tolist()) & set(best.tolist())) for one, best in pairs)
        await index.aclose()
    recall = hits / (10 * len(asking))
    show(f"recall@10 of {len(stored):,} real embeddings: {recall:.4f}")
    assert recall >= 0.98


async def after_embedding(index: VectorIndex, queries: Vectors) -> tuple[float, list[set[int]]]:
    """Milliseconds of a search for 125, the median, with the caches as the model leaves them; and what was found."""
    embedder, taken, found = shipped(), list[float](), list[set[int]]()
    for number, query in enumerate(queries):
        await embedder.embed_query(sentence(number))
        begun = time.perf_counter()
        (near,) = await index.search(query[None], 125)
        taken.append((time.perf_counter() - begun) * 1e3)
        found.append(set(near.ids.tolist()))
    await embedder.aclose()
    return statistics.median(taken), found


@pytest.mark.parametrize("count", [10_000, 20_000, 100_000, 200_000])
async def test_each_way_has_its_size(tmp_path: Path, count: int) -> None:
    """Compared one by one, by codes, and through the index."""
    real = await embedded(40_000)
    vectors, queries = mixed(real, count, 3), mixed(real, QUERIES, 4)
    ways: list[VectorIndex] = [ExactIndex(DIMENSION, count), CodedIndex(DIMENSION, count)]
    for way in ways:
        begun = time.perf_counter()
        for start in range(0, count, 2000):
            page = slice(start, min(start + 2000, count))
            await way.upsert(np.arange(page.start, page.stop), vectors[page])
        show(f"{type(way).__name__}: filled in {time.perf_counter() - begun:.2f} s")
    async with generations(tmp_path) as home:
        draft = await home.begin()
        for start in range(0, count, BATCH):
            page = slice(start, min(start + BATCH, count))
            await draft.upsert(np.arange(page.start, page.stop), vectors[page])
        name = await draft.seal(0)
        await draft.aclose()
        ways.append(await home.open(name, 0))
        (_, exact), *_ = measured = [await after_embedding(way, queries) for way in ways]
        for way, (taken, found) in zip(ways, measured, strict=True):
            share = sum(len(a & b) for a, b in zip(found, exact, strict=True)) / (125 * QUERIES)
            show(f"{count:,} by {type(way).__name__}: {taken:.2f} ms, recall@125 {share:.4f}")
            await way.aclose()


class Mixing:
    """The shipped model for questions; memories get mixtures of what it made of a few thousand."""

    def __init__(self, real: Vectors) -> None:
        self._model = shipped()
        self._real = real
        self._made = 0
        self.identity, self.dimension = self._model.identity, DIMENSION
        self.load, self.split, self.aclose = self._model.load, self._model.split, self._model.aclose
        self.embed_query, self.with_query = self._model.embed_query, self._model.with_query

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self._made += 1
        return mixed(self._real, len(texts), self._made)


ASKED = itertools.count(10**7)


async def recalls(memories: Memories, count: int = 300) -> list[float]:
    """Of questions that were not asked before: an answer that is still right is given again at once."""
    taken: list[float] = []
    for number in itertools.islice(ASKED, count):
        begun = time.perf_counter()
        await memories.recall(Query(text=sentence(number), limit=8, max_tokens=1000))
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def told(what: str, taken: list[float]) -> None:
    median, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    show(f"{what}: median {median:.2f} ms, p95 {p95:.2f}")


@asynccontextmanager
async def filled(home: Path, real: Vectors, count: int) -> AsyncGenerator[tuple[Engine, Memories]]:
    """A tenant with so many memories, and its index."""
    limits = Limits(similar_from=1.0)
    async with opened(home, embedder=Mixing(real), index=True, limits=limits) as engine:
        memories = await engine.for_tenant("a")
        for start in range(0, count, 100):
            await keep(memories, *(sentence(number) for number in range(start, start + 100)))
        show(f"{count:,}: {await engine.feed('a')}")
        await recalls(memories)
        yield engine, memories


async def test_recall_hardly_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sizes are asked in turn, so that neither has the machine's better minutes. And recall goes on
    beside the feeding."""
    # What is remembered is fed when it is measured, and not before.
    monkeypatch.setattr("loci.server.engine.feeding._LINGER", 3600.0)
    real, embedder = await embedded(8000), shipped()
    async with (
        filled(tmp_path / "small", real, 10_000) as (_, small),
        filled(tmp_path / "large", real, 100_000) as (engine, large),
    ):
        taken: dict[str, list[float]] = {"10,000": [], "100,000": [], "a bare embedding": []}
        ratios: list[float] = []
        for turn in range(TURNS):
            pair = [(small, "10,000"), (large, "100,000")]
            medians: dict[str, float] = {}
            for memories, size in pair if turn % 2 else reversed(pair):
                await recalls(memories, 5)
                found = await recalls(memories, 40)
                taken[size] += found
                medians[size] = statistics.median(found)
            ratios.append(medians["100,000"] / medians["10,000"])
            taken["a bare embedding"] += await embeddings(embedder, 20)
        for what, times in taken.items():
            told(what, times)
        low, middle, high = statistics.quantiles(ratios, n=4)
        show(
            f"100,000 cost {middle:.2f} times 10,000; half of {TURNS} turns {low:.2f} to {high:.2f}"
        )
        await beside_feeding(engine, large)
    await embedder.aclose()


async def embeddings(embedder: CompiledEmbedder, count: int) -> list[float]:
    taken: list[float] = []
    for number in itertools.islice(ASKED, count):
        begun = time.perf_counter()
        await embedder.embed_query(sentence(number))
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


async def beside_feeding(engine: Engine, memories: Memories) -> None:
    """From a worker that is not there yet to the generation that is in use."""
    quiet = await recalls(memories)
    for start in range(200_000, 200_000 + FED, 100):
        await keep(memories, *(sentence(number) for number in range(start, start + 100)))
    taken: list[float] = []
    fed = anyio.Event()
    waiting = (await engine.index("a")).waiting

    async def feed() -> None:
        begun = time.perf_counter()
        while (await engine.feed("a")).waiting:
            pass
        seconds = time.perf_counter() - begun
        show(f"fed {waiting:,} in {seconds:.1f} s, {waiting / seconds:,.0f} a second")
        fed.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(feed)
        while not fed.is_set():
            taken += await recalls(memories, 20)
    told("recall while fed", taken)
    quiet += await recalls(memories)
    told("recall before and after", quiet)


async def test_many_vectors(tmp_path: Path) -> None:
    count = int(os.environ.get("LOCI_BENCH_VECTORS", "100000"))
    real = await embedded(40_000)
    queries = mixed(real, QUERIES, 10**9)
    async with generations(tmp_path) as home:
        name = await build(home, real, count)
        size = on_disk(tmp_path)
        begun = time.perf_counter()
        index = await home.open(name, 0)
        show(f"opened in {time.perf_counter() - begun:.1f} s; {size >> 20:,} MB on the disk")
        taken = await latencies(index, queries, 125)
        rss = [one.memory_info().rss >> 20 for one in workers()]
        p95 = statistics.quantiles(taken, n=20)[-1]
        show(f"search: median {statistics.median(taken):.1f} ms, p95 {p95:.1f}; workers {rss} MB")
        await index.aclose()
    assert p95 < 100


async def test_a_thousand_tenants_weigh_little(tmp_path: Path) -> None:
    """20 memories each, all of them indexed."""
    me = psutil.Process()
    before = me.memory_info().rss
    most_files = most = 0
    begun = time.perf_counter()
    async with opened(tmp_path, embedder=HashEmbedder(DIMENSION), index=True) as engine:
        for number in range(1000):
            memories = await engine.for_tenant(f"tenant {number}")
            await keep(memories, *(f"Tenant {number} knows {fact}" for fact in range(20)))
            assert (await engine.feed(f"tenant {number}")).state == "current"
            if number % 50 == 0:
                family = [me, *workers()]
                most = max(most, sum(one.memory_info().rss for one in family) - before)
                most_files = max(most_files, sum(one.num_fds() for one in family))
        show(f"1,000 tenants in {time.perf_counter() - begun:.0f} s")
        await anyio.lowlevel.checkpoint()
    show(
        f"all processes: {most >> 20} MB beyond {before >> 20} of the test, {most_files} descriptors"
    )
    assert most_files < 256
