"""The thinnest HTTP client there is: what is measured through it shall be the server."""

import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from .sentences import sentence
from .wires import ENVELOPE

__all__ = ["Flood", "Line", "arguments_of", "flood"]

_LONGEST = 1 << 24
_TOO_MANY = b'"code":-32000'
"""The JSON-RPC error of a call that was one too many at once."""


def arguments_of(tool: str, number: int, texts: int = 1) -> dict[str, object]:
    """What a call of `recall` or `remember` says, which no other number says."""
    if tool == "recall":
        return {"query": f"When did they say {' '.join(sentence(number).split()[:5])}?"}
    made = [sentence(number * texts + text) for text in range(texts)]
    return {"content": made if texts > 1 else made[0]}


class Line:
    """A connection that is kept, with a token; one request at a time."""

    def __init__(self, stream: SocketStream, token: str) -> None:
        self._stream = stream
        self._from = BufferedByteReceiveStream(stream)
        self._token = token
        self._numbers = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, token: str) -> "AsyncGenerator[Line]":
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            yield cls(stream, token)

    async def call(self, tool: str, arguments: dict[str, object]) -> int:
        """Call a tool. Returns the status; 429 too for a call that was one too many at once."""
        params = {"name": tool, "arguments": arguments, "_meta": ENVELOPE}
        message = {"jsonrpc": "2.0", "id": next(self._numbers), "method": "tools/call"}
        body = json.dumps({**message, "params": params}).encode()
        await self._stream.send(self._head(tool, len(body)) + body)
        status, answer = await self._answer()
        if _TOO_MANY in answer:
            return 429
        assert status != 200 or b'"isError":true' not in answer, answer
        return status

    def _head(self, tool: str, length: int) -> bytes:
        return (
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
            f"Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        ).encode()

    async def _answer(self) -> tuple[int, bytes]:
        first, *lines = (await self._until(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        if "content-length" in headers:
            body = await self._from.receive_exactly(int(headers["content-length"]))
        else:
            assert headers["transfer-encoding"] == "chunked"
            body = b"".join([part async for part in self._parts()])
        return int(first.split()[1]), body

    async def _parts(self) -> AsyncGenerator[bytes]:
        while size := int(await self._until(b"\r\n"), 16):
            yield await self._from.receive_exactly(size)
            await self._from.receive_exactly(2)
        await self._from.receive_exactly(2)

    async def _until(self, end: bytes) -> bytes:
        return await self._from.receive_until(end, _LONGEST)


@dataclass(frozen=True, slots=True)
class Flood:
    """What became of a flood."""

    statuses: Counter[int]
    cpu: float
    """Seconds that the flooding process took."""


def flood(port: int, token: str, tool: str, texts: int, seconds: float, first: int) -> Flood:
    """Ask on 64 connections without a pause; whoever is refused asks again at once. For a process of
    its own."""
    statuses: Counter[int] = Counter()
    numbers = itertools.count(first)

    async def one(until: float) -> None:
        async with Line.open(port, token) as line:
            while anyio.current_time() < until:
                arguments = arguments_of(tool, next(numbers), texts)
                statuses[await line.call(tool, arguments)] += 1

    async def all_of_them() -> None:
        until = anyio.current_time() + seconds
        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(one, until)

    began = time.process_time()
    anyio.run(all_of_them, backend_options={"use_uvloop": True})
    return Flood(statuses, time.process_time() - began)
