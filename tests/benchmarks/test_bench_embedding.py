"""CPU and wall time of embedding and counting: `pytest -m bench -s tests/benchmarks`.

Ratios within one run mean something on any machine; the bounds are those of the design.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import pytest

from loci.server.embedding import shipped
from loci.server.tokens import TokenCounter

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

SHORT = "What did Bob say about the budget for the next quarter?"
LONG = "The quick brown fox jumps over the lazy dog. " * 25

# In a process of its own: imports and memory are part of it.
LOAD = """
import anyio, psutil, time
from loci.server.embedding import shipped
from loci.server.tokens import TokenCounter
me = psutil.Process()
async def measure(load):
    memory, cpu, wall = me.memory_info().rss, time.process_time(), time.perf_counter()
    await load()
    after = me.memory_info().rss
    print(time.process_time() - cpu, time.perf_counter() - wall, (after - memory) / 2**20)
async def main():
    await measure(shipped().load)
    await measure(TokenCounter().load)
    print(me.memory_info().rss / 2**20, 0, 0)
anyio.run(main)
"""


def show(line: str) -> None:
    sys.stdout.write(f"\n{line}")


async def medians(run: Callable[[], Awaitable[object]], times: int) -> tuple[float, float]:
    """Milliseconds of CPU and of wall time."""
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(times):
        begun = time.process_time(), time.perf_counter()
        await run()
        cpu.append(time.process_time() - begun[0])
        wall.append(time.perf_counter() - begun[1])
    return statistics.median(cpu) * 1e3, statistics.median(wall) * 1e3


async def test_a_text_costs_little() -> None:
    embedder = shipped()
    await embedder.embed_query(LONG)
    short = await medians(lambda: embedder.embed_query(SHORT), 200)
    long = await medians(lambda: embedder.embed_query(LONG), 40)
    many = await medians(lambda: embedder.embed_documents([SHORT] * 200), 5)
    await embedder.aclose()
    for name, (cpu, wall) in {"15 tokens": short, "256 tokens": long, "200 x 15": many}.items():
        show(
            f"{name:>10}: {cpu:7.2f} ms CPU, {wall:7.2f} ms wall, {cpu / short[0]:6.1f} short texts"
        )
    assert short[0] <= 3


def test_loading_costs_little() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOAD], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    rows = [[float(word) for word in line.split()] for line in told.stdout.splitlines()]
    for name, (cpu, wall, memory) in zip(("model", "tokens"), rows, strict=False):
        show(f"load {name}: {cpu:.3f} s CPU, {wall:.3f} s wall, {memory:.0f} MB")
    show(f"whole process: {rows[-1][0]:.0f} MB")
    assert rows[0][0] <= 0.3


def test_counting_costs_little() -> None:
    counter = TokenCounter()
    counter.count("")
    begun = time.process_time()
    tokens = sum(counter.count(LONG) for _ in range(200))
    micro = (time.process_time() - begun) / tokens * 1e9
    show(f"count: {micro:.0f} µs CPU a 1,000 tokens")
