"""What Loci must reach, measured: `python -m pytest -m bench -s tests/benchmarks/test_bench_server.py`.

Everything is a ratio within one run, or CPU time: walls on a shared machine say little. The real
server runs as a child and is spoken to over stdio. 10,000 memories are made first (a minute or two).
"""

import gc
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream
from support.engines import open_memories, opened
from support.sentences import sentence

from loci.server.embedding import shipped
from loci.server.model import Draft, Query

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

STORED = 10_000
ROUNDS = 200
AT_ONCE = 32

BARE = """
from mcp.server import MCPServer
server = MCPServer("bare", log_level="ERROR")
@server.tool()
async def echo(text: str) -> str:
    "Echo."
    return text
server.run()
"""


def question(number: int) -> str:
    """Asks with some of the words of a sentence."""
    words = sentence(number)[:-1].split()
    asked = random.Random(number).sample(words[:-1], 5)
    return f"When did they say {' '.join(asked)}?"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `loci stdio` runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 10,000 memories."""
    path = tmp_path_factory.mktemp("home")

    async def fill() -> None:
        async with opened(path, embedder=shipped()) as engine:
            local = await engine.for_tenant("local")
            for start in range(0, STORED, 100):
                await local.remember(
                    [Draft(content=sentence(n)) for n in range(start, start + 100)]
                )

    anyio.run(fill)
    return path


class Server:
    """The real server as a child, warm, and the thinnest client: a line out, a line in."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lines = BufferedByteReceiveStream(self._stdout())
        self._calls = 0
        self._answers: dict[int, anyio.Event] = {}

    def _stdout(self) -> ByteReceiveStream:
        assert self._process.stdout is not None
        return self._process.stdout

    async def request(self, method: str, **params: object) -> None:
        """Returns when the answer is there. Requests may be under way side by side."""
        self._calls += 1
        number = self._calls
        self._answers[number] = anyio.Event()
        await self._send({"id": number, "method": method, "params": params})
        await self._answers[number].wait()

    async def call(self, tool: str, **arguments: object) -> None:
        await self.request("tools/call", name=tool, arguments=arguments)

    async def greet(self) -> None:
        client = {"name": "bench", "version": "1"}
        await self.request(
            "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client
        )
        await self._send({"method": "notifications/initialized"})

    async def read(self) -> None:
        while True:
            line = await self._lines.receive_until(b"\n", 1 << 24)
            number = json.loads(line).get("id")
            if number is not None:
                self._answers[number].set()

    async def _send(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        line = json.dumps({"jsonrpc": "2.0", **message}).encode()
        await self._process.stdin.send(line + b"\n")


@asynccontextmanager
async def server(home: Path) -> AsyncGenerator[Server]:
    """Serve a data directory."""
    arguments = ["-m", "loci.server", "stdio", "--in-process", "--home", str(home)]
    async with (
        await anyio.open_process([sys.executable, *arguments], stderr=None) as process,
        anyio.create_task_group() as tasks,
    ):
        served = Server(process)
        tasks.start_soon(served.read)
        await served.greet()
        for number in range(30):
            await served.call("recall", query=question(number))
        yield served
        tasks.cancel_scope.cancel()
        process.terminate()


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1e3


def say(text: str) -> None:
    sys.stdout.write(f"\n{text}")


async def test_recall_over_stdio_beside_the_bare_embedding(home: Path) -> None:
    embedder = shipped()
    async with server(home) as served:
        bare: list[float] = []
        whole: list[float] = []
        for number in range(ROUNDS):
            text = question(number)
            bare.append(await timed(lambda text=text: embedder.embed_query(text)))
            whole.append(await timed(lambda text=text: served.call("recall", query=text)))
    await embedder.aclose()
    b, w = statistics.median(bare), statistics.median(whole)
    say(
        f"recall at {STORED}: {w:.2f} ms, bare embedding {b:.2f} ms: ratio {w / b:.2f} (at most 2.5)"
    )


async def test_recall_in_process_beside_the_bare_embedding(home: Path) -> None:
    embedder = shipped()
    bare: list[float] = []
    whole: list[float] = []
    async with opened(home, embedder=shipped()) as engine:
        local = await engine.for_tenant("local")
        for number in range(ROUNDS, 2 * ROUNDS):
            text = question(number)
            bare.append(await timed(lambda text=text: embedder.embed_query(text)))
            whole.append(await timed(lambda text=text: local.recall(Query(text=text))))
    await embedder.aclose()
    b, w = statistics.median(bare), statistics.median(whole)
    say(f"recall in process: {w:.2f} ms, bare embedding {b:.2f} ms: ratio {w / b:.2f} (at most 2)")


async def test_remember_over_stdio_beside_embedding_and_commit(home: Path, tmp_path: Path) -> None:
    embedder = shipped()
    bare: list[float] = []
    commit: list[float] = []
    whole: list[float] = []
    with closing(sqlite3.connect(tmp_path / "bare.db", isolation_level=None)) as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=FULL")
        plain.execute("CREATE TABLE rows (text TEXT)")

        async def fsynced() -> None:
            plain.execute("INSERT INTO rows VALUES (?)", [sentence(1)])

        async with server(home) as served:
            for number in range(STORED, STORED + ROUNDS):
                text = sentence(number)
                bare.append(await timed(lambda text=text: embedder.embed_documents([text + "."])))
                commit.append(await timed(fsynced))
                whole.append(await timed(lambda text=text: served.call("remember", content=text)))
    await embedder.aclose()
    b, c, w = (statistics.median(times) for times in (bare, commit, whole))
    say(f"remember: {w:.2f} ms; embedding {b:.2f} + commit {c:.2f} + {w - b - c:.2f} (at most 5)")


async def throughput(work: Callable[[int], Awaitable[object]], first: int) -> float:
    """Texts a second, 32 at once."""
    count = 320
    numbers = iter(range(first, first + count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(worker)
    return count / (time.perf_counter() - started)


async def test_remembering_32_at_once_beside_the_embedder(home: Path) -> None:
    embedder = shipped()

    async def embed(number: int) -> None:
        await embedder.embed_documents([sentence(number) + " Again."])

    ratios: list[float] = []
    async with server(home) as served:

        async def remember(number: int) -> None:
            await served.call("remember", content=sentence(number) + " Again.")

        for turn in range(5):
            first = 20_000 + turn * 1000
            alone = await throughput(embed, first)
            stored = await throughput(remember, first)
            ratios.append(stored / alone)
            say(f"embedder {alone:.0f}/s, remember over stdio {stored:.0f}/s: {ratios[-1]:.2f}")
    await embedder.aclose()
    say(f"remember 32 at once over stdio: {statistics.median(ratios):.2f} of the embedder (.7)")


async def test_remembering_32_in_one_call_beside_the_embedder(home: Path) -> None:
    embedder = shipped()
    ratios: list[float] = []
    async with server(home) as served:
        for turn in range(10):
            first = 60_000 + turn * AT_ONCE
            texts = [sentence(number) + " One." for number in range(first, first + AT_ONCE)]
            alone = await timed(lambda texts=texts: embedder.embed_documents(texts))
            whole = await timed(lambda texts=texts: served.call("remember", content=texts))
            ratios.append(alone / whole)
    await embedder.aclose()
    say(f"remember 32 in one call over stdio: {statistics.median(ratios):.2f} of the embedder (.7)")


async def test_remembering_32_at_once_in_process_beside_the_embedder(home: Path) -> None:
    embedder = shipped()
    ratios: list[float] = []
    async with open_memories(home, embedder=embedder) as memories:

        async def embed(number: int) -> None:
            await embedder.embed_documents([sentence(number) + " Anew."])

        async def remember(number: int) -> None:
            await memories.remember([Draft(content=sentence(number) + " Anew.")])

        await remember(1)
        for turn in range(5):
            first = 40_000 + turn * 1000
            alone = await throughput(embed, first)
            ratios.append(await throughput(remember, first + 500) / alone)
    say(f"remember 32 at once in process: {statistics.median(ratios):.2f} of the embedder (.7)")


async def handshake(arguments: list[str]) -> float:
    """CPU milliseconds of the child until `initialize` is answered."""
    request = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
        b'"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}\n'
    )

    def run() -> float:
        with subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(request)
            child.stdin.flush()
            assert b'"result"' in child.stdout.readline()
            times = psutil.Process(child.pid).cpu_times()
            child.kill()
        return (times.user + times.system) * 1e3

    return await anyio.to_thread.run_sync(run)


async def test_the_handshake_beside_a_bare_server(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "bare.py"
    await anyio.Path(script).write_text(BARE, encoding="utf-8")
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(10):
        theirs.append(await handshake([str(script)]))
        arguments = ["-m", "loci.server", "stdio", "--in-process", "--home", str(home)]
        ours.append(await handshake(arguments))
    o, t = statistics.median(ours), statistics.median(theirs)
    say(f"initialize answered: {o:.0f} ms CPU, bare server {t:.0f}: {o - t:.0f} more (at most 200)")


async def test_the_memory_of_an_idle_server_with_the_model_loaded(
    home: Path, tmp_path: Path
) -> None:
    for name, where in (("an empty store", tmp_path), (f"{STORED} memories", home)):
        async with server(where):
            children = psutil.Process().children(recursive=True)
            resident = max(child.memory_info().rss for child in children) / 2**20
        say(f"resident with the model and {name}: {resident:.0f} MB (empty: below 250)")


async def test_the_longest_stall_of_the_event_loop(home: Path) -> None:
    gaps: list[float] = []
    async with open_memories(home, embedder=shipped()) as memories:
        await memories.recall(Query(text="Warm?"))
        gc.collect()
        gc.freeze()  # as the server does when it is open

        async def tick() -> None:
            while True:
                started = time.perf_counter()
                await anyio.sleep(0.001)
                gaps.append((time.perf_counter() - started) * 1e3 - 1)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            for number in range(20):
                batch = [Draft(content=f"{sentence(n)} {'So it was. ' * 99}") for n in range(5)]
                await memories.remember([*batch, Draft(content=f"Turn {number}.")])
                await memories.recall(Query(text=question(number)))
                await memories.page()
            tasks.cancel_scope.cancel()
    gaps.sort()
    say(f"event loop: longest stall {gaps[-1]:.1f} ms, p99 {gaps[int(len(gaps) * 0.99)]:.1f} (50)")
