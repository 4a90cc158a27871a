"""The real server as a process: bytes in, bytes out, whatever the bytes are."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from support.wires import MEBIBYTE, Wire, running, text_of

pytestmark = pytest.mark.anyio

SERVE = [sys.executable, "-c", "from loci.server.cli import main; main()", "stdio", "--in-process"]
# A locale that cannot say what the protocol says.
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
# A server whose store prints instead of opening.
PRINTS = """
import os, anyio
from loci.server.access import Caller
from loci.server.errors import LociError
from loci.server.transports import build_server, serve_stdio

class Desk:
    async def memories(self):
        print("printed")
        os.write(1, b"raw")
        raise LociError("Said.")
    def on_change(self, listener):
        pass

anyio.run(serve_stdio, build_server(Desk()), Caller(tenant="ada"))
"""


@asynccontextmanager
async def served(home: Path, *, stdin: int = subprocess.PIPE) -> AsyncGenerator[Process]:
    command = [*SERVE, "--home", str(home)]
    async with running(command, env=ENVIRONMENT, stdin=stdin) as process:
        yield process


@asynccontextmanager
async def wired(home: Path) -> AsyncGenerator[Wire]:
    async with served(home) as process:
        wire = Wire(process)
        await wire.initialize()
        yield wire


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_real_client_remembers_and_recalls(
    tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    parameters = StdioServerParameters(
        command=SERVE[0], args=[*SERVE[1:], "--home", str(tmp_path)], env=ENVIRONMENT
    )
    with anyio.fail_after(60):
        async with Client(parameters, mode=mode) as client:
            await client.call_tool("remember", {"content": "Zoë trinkt 緑茶 🍵."})
            result = await client.call_tool("recall", {"query": "What does Zoë drink?"})
            assert result.structured_content is not None
            (one,) = result.structured_content["recollections"]
            assert one["content"] == "Zoë trinkt 緑茶 🍵."


async def test_lines_that_hold_no_message_are_answered_and_do_no_harm(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        for line, code in (
            (b"nonsense", -32700),
            (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"\xff\xfe"}', -32700),
            (b"[" * 100_000, -32700),
            (b"9" * 5000, -32700),
            (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
            (b'{"id":1,"method":"ping"}', -32600),
            (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
            (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        ):
            await wire.write(line + b"\n")
            answer = await wire.hear()
            assert (answer["id"], answer["error"]["code"]) == (None, code), line[:60]
        await wire.write(b"\r\n  \n\n")
        await wire.ask(7, "ping", {})
        assert await wire.hear() == {"jsonrpc": "2.0", "id": 7, "result": {}}


async def test_half_characters_are_refused_by_what_they_were_sent_to(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        refused = await wire.call(1, "remember", content="a \ud800 b")
        assert text_of(refused) == (
            "content: it contains half a character (a lone surrogate); remove it."
        )
        refused = await wire.call(2, "recall", query="x", tags=["\udfff"])
        assert text_of(refused) == (
            "tags: it contains half a character (a lone surrogate); remove it."
        )
        assert (await wire.call(3, "\ud800"))["error"]["code"] == -32602
        await wire.ask(4, "\ud800", {})
        assert (await wire.hear())["error"]["code"] == -32601
        await wire.ask(5, "resources/read", {"uri": "memory://memories/\ud800"})
        assert (await wire.hear())["error"]["code"] == -32602
        nul = await wire.call(6, "remember", content="a\0b")
        assert text_of(nul) == "content: it contains a NUL character; remove it."


async def test_a_message_that_is_too_long_is_refused_by_its_id(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        filler = b"x" * (17 * MEBIBYTE)
        first = b'{"jsonrpc":"2.0","id":8,"method":"tools/call","params":"' + filler + b'"}\n'
        last = b'{"method":"tools/call","params":"' + filler + b'","jsonrpc":"2.0","id":"a-9"}\n'
        for line, name in ((first, 8), (last, "a-9"), (filler + b"\n", None)):
            await wire.write(line)
            answer = await wire.hear()
            assert answer["id"] == name
            assert answer["error"]["message"] == (
                "The message is too long: at most 16 MiB. Split it."
            )
        refused = await wire.call(10, "remember", content="x" * (10 * MEBIBYTE))
        assert text_of(refused).startswith("content: 10,485,760 characters;")
        await wire.ask(11, "ping", {})
        assert (await wire.hear())["id"] == 11


async def test_what_was_asked_before_the_input_ends_is_answered(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        await wire.call(1, "remember", content="The store is open.")
        for number in range(2, 22):
            arguments = {"content": f"Fact {number}."}
            await wire.ask(number, "tools/call", {"name": "remember", "arguments": arguments})
        # The last line of some clients has no end.
        await wire.write(b'{"jsonrpc":"2.0","id":22,"method":"ping"}')
        await wire.end()
        answers = [await wire.hear() for _ in range(21)]
        assert {one["id"] for one in answers} == set(range(2, 23))
        assert all("result" in one for one in answers)
        assert await wire.process.wait() == 0
    async with wired(tmp_path) as wire:
        kept = await wire.call(1, "recall", query="", limit=100, max_tokens=100_000)
        assert len(kept["result"]["structuredContent"]["recollections"]) == 21


async def test_a_client_that_reads_late_gets_everything(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        await wire.call(1, "remember", content=["word " * 2000 + str(n) for n in range(20)])
        arguments = {"query": "", "limit": 20, "max_tokens": 100_000}
        for number in range(2, 12):
            await wire.ask(number, "tools/call", {"name": "recall", "arguments": arguments})
        await wire.ask(12, "ping", {})
        answers = [await wire.hear() for _ in range(11)]
        assert {one["id"] for one in answers} == set(range(2, 13))


async def test_an_empty_input_ends_the_server(tmp_path: Path) -> None:
    async with served(tmp_path, stdin=subprocess.DEVNULL) as process:
        assert await process.wait() == 0


async def test_messages_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    with file.open("rb") as stdin:
        async with served(tmp_path / "home", stdin=stdin.fileno()) as process:
            assert process.stdout is not None
            lines = BufferedByteReceiveStream(process.stdout)
            answer = json.loads(await lines.receive_until(b"\n", MEBIBYTE))
            assert answer == {"jsonrpc": "2.0", "id": 1, "result": {}}
            assert await process.wait() == 0


async def test_what_is_printed_meanwhile_does_not_reach_the_client() -> None:
    command = [sys.executable, "-c", PRINTS]
    with anyio.fail_after(60):
        async with await anyio.open_process(command, stderr=subprocess.PIPE) as process:
            wire = Wire(process)
            await wire.initialize()
            assert text_of(await wire.call(1, "recall", query="x")) == "Said."
            await wire.end()
            assert await process.wait() == 0
            assert process.stdout is not None
            with pytest.raises(anyio.EndOfStream):
                await process.stdout.receive()
            assert process.stderr is not None
            printed = await process.stderr.receive()
            assert b"raw" in printed
            assert b"printed" in printed


def test_a_handshake_loads_no_heavy_library() -> None:
    heavy = ["numpy", "sqlalchemy", "onnxruntime", "tokenizers", "tiktoken", "alembic"]
    program = (
        "import sys; from loci.server.transports import build_server; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
