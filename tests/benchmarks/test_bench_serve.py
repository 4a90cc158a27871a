"""What the network door costs: `python -m pytest -m bench -s tests/benchmarks/test_bench_serve.py`.

The real `loci serve` runs as a child, with the shipped embedder, and is asked over HTTP by its tokens;
floods come from a process of their own. Ratios within one run, CPU seconds beside them.
"""

import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_process
import psutil
import pytest
from support.daemons import environment, until
from support.lines import Flood, Line, arguments_of, flood
from support.sentences import sentence
from support.wires import running

from loci.server.access import Caller, as_caller
from loci.server.access.scopes import Scope
from loci.server.app import open_app
from loci.server.engine import Memories
from loci.server.model import Draft, Query
from loci.server.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

STORED = 200
AT_ONCE = 32
CALLS = 128
PACE = 0.05
"""Seconds from one call of the quiet tenant to its next."""
ASKED = 50
TURNS = 2
UNLIMITED = {"LOCI_RATE": "100000", "LOCI_BURST": "100000", "LOCI_CONCURRENCY": "1000"}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `loci serve` runs on."""
    return "asyncio", {"use_uvloop": True}


class Served(NamedTuple):
    """A server, and the tenants that it knows."""

    process: psutil.Process
    port: int
    tokens: dict[str, str]

    def cpu(self) -> float:
        """Seconds that it took so far."""
        return sum(self.process.cpu_times()[:2])


async def filled(home: Path, *tenants: str) -> dict[str, str]:
    """Make the tenants, each with its memories; their tokens."""
    tokens: dict[str, str] = {}
    async with open_app(Settings(home=home)) as app:
        for tenant in tenants:
            with as_caller(Caller(tenant=tenant)):
                await app.administration.create_tenant(tenant)
                issued = await app.administration.create_token(tenant, list(Scope), None, 1)
                memories = await app.memories()
            for start in range(0, STORED, 100):
                numbers = range(start, start + 100)
                await memories.remember([Draft(content=sentence(number)) for number in numbers])
            tokens[tenant] = issued.secret
    return tokens


async def listening(pid: int) -> int:
    """The port that a server accepts connections at."""
    server = psutil.Process(pid)

    def ports() -> list[int]:
        found = server.net_connections("tcp")
        return [one.laddr.port for one in found if one.status == psutil.CONN_LISTEN]

    await until(lambda: bool(ports()))
    return ports()[0]


@asynccontextmanager
async def served(home: Path, *tenants: str, **env: str) -> AsyncGenerator[Served]:
    """`loci serve`, warm."""
    tokens = await filled(home, *tenants)
    line = [sys.executable, "-m", "loci.server", "serve", "--home", str(home), "--port", "0"]
    async with running(line, env=environment(env), stderr=subprocess.DEVNULL) as process:
        port = await listening(process.pid)
        async with Line.open(port, tokens[tenants[0]]) as warming:
            for number in range(30):
                assert await warming.call("recall", arguments_of("recall", number)) == 200
        yield Served(psutil.Process(process.pid), port, tokens)


async def asked(line: Line, first: int) -> list[float]:
    """Recalls at a steady pace; milliseconds of each."""
    taken: list[float] = []
    began = time.perf_counter()
    for number in range(ASKED):
        await anyio.sleep(max(0.0, began + number * PACE - time.perf_counter()))
        asking = time.perf_counter()
        assert await line.call("recall", arguments_of("recall", first + number)) == 200
        taken.append((time.perf_counter() - asking) * 1e3)
    return taken


def say(text: str) -> None:
    sys.stdout.write(f"\n{text}")


@pytest.mark.parametrize(("tool", "texts"), [("recall", 1), ("remember", 1), ("remember", 20)])
async def test_a_flood_by_another_tenant(tmp_path: Path, tool: str, texts: int) -> None:
    """Under the default limits. Each turn: alone, and then beside the flood."""
    alone: list[float] = []
    beside: list[float] = []
    became: Counter[int] = Counter()
    async with served(tmp_path, "quiet", "loud") as server:
        port, tokens = server.port, server.tokens

        async def overrun(turn: int) -> None:
            first, seconds = 10_000 * (turn + 1), ASKED * PACE + 1
            made: Flood = await anyio.to_process.run_sync(
                flood, port, tokens["loud"], tool, texts, seconds, first
            )
            became.update(made.statuses)

        async with Line.open(port, tokens["quiet"]) as line:
            for turn in range(TURNS):
                alone += await asked(line, 2_000 * turn)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(overrun, turn)
                    await anyio.sleep(0.5)  # the flood stands
                    beside += await asked(line, 2_000 * turn + 1_000)
    assert became[429] > became[200] > 0
    a, b = statistics.median(alone), statistics.median(beside)
    say(
        f"recall beside a flood of {tool} ({texts}): {b:.1f} ms, alone {a:.1f}: ratio {b / a:.2f} "
        f"(at most 2); of {became.total()} calls of the flood {became[429]} were refused"
    )


class Pace(NamedTuple):
    """How many calls in a second, and what they cost."""

    rate: float
    here: float
    """Milliseconds of CPU of a call in this process."""
    there: float
    """In the server's."""


async def pace(
    work: Callable[[int, int], Awaitable[None]], first: int, cpu: Callable[[], float]
) -> Pace:
    """Calls on 32 connections, or of 32 tasks."""
    numbers = iter(range(first, first + CALLS))

    async def worker(which: int) -> None:
        for number in numbers:
            await work(which, number)

    wall, here, there = time.perf_counter(), time.process_time(), cpu()
    async with anyio.create_task_group() as tasks:
        for which in range(AT_ONCE):
            tasks.start_soon(worker, which)
    each = 1e3 / CALLS
    return Pace(
        CALLS / (time.perf_counter() - wall),
        (time.process_time() - here) * each,
        (cpu() - there) * each,
    )


async def in_process(memories: Memories, tool: str, number: int) -> None:
    arguments = arguments_of(tool, number)
    if tool == "recall":
        await memories.recall(Query(text=str(arguments["query"])))
    else:
        await memories.remember([Draft(content=str(arguments["content"]))])


async def test_32_connections_beside_the_engine_in_process(tmp_path: Path) -> None:
    within, across = tmp_path / "within", tmp_path / "across"
    await filled(within, "ada")
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(Settings(home=within)))
        with as_caller(Caller(tenant="ada")):
            memories = await app.memories()
        for number in range(30):
            await in_process(memories, "recall", number)
        server = await stack.enter_async_context(served(across, "ada", **UNLIMITED))
        token = server.tokens["ada"]
        lines = [
            await stack.enter_async_context(Line.open(server.port, token)) for _ in range(AT_ONCE)
        ]
        for tool in ("recall", "remember"):

            async def engine(_: int, number: int, tool: str = tool) -> None:
                await in_process(memories, tool, number)

            async def http(which: int, number: int, tool: str = tool) -> None:
                assert await lines[which].call(tool, arguments_of(tool, number)) == 200

            ratios: list[float] = []
            for turn in range(TURNS):
                own = await pace(engine, 10_000 * (turn + 1), server.cpu)
                net = await pace(http, 10_000 * (turn + 1), server.cpu)
                ratios.append(net.rate / own.rate)
                say(
                    f"{tool}: in process {own.rate:.0f}/s ({own.here:.1f} ms CPU each), over HTTP "
                    f"{net.rate:.0f}/s ({net.there:.1f} ms, client {net.here:.1f}): {ratios[-1]:.2f}"
                )
            say(f"{tool} at {AT_ONCE} connections: {statistics.median(ratios):.2f} of the engine")
