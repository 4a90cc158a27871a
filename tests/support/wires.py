"""A client that writes bytes: one process that speaks the protocol over its pipes, in either era."""

import json
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

__all__ = ["ENVELOPE", "MEBIBYTE", "Era", "Wire", "running", "text_of"]

Era = Literal["legacy", "modern"]

MEBIBYTE = 1024 * 1024
_INFO = {"name": "test", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": _INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What each request of 2026-07-28 says of its client."""


class Wire:
    """A client of one process. What else it is sent while it waits for an answer is put aside."""

    def __init__(self, process: Process, era: Era = "legacy") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.era = era
        self.notices: list[dict[str, Any]] = []
        self._stdin = process.stdin
        self._lines = BufferedByteReceiveStream(process.stdout)

    async def write(self, data: bytes) -> None:
        await self._stdin.send(data)

    async def ask(self, name: int, method: str, params: Mapping[str, Any]) -> None:
        """Send a request."""
        await self.write(self.request(name, method, params))

    def request(self, name: int, method: str, params: Mapping[str, Any]) -> bytes:
        """A request of this era, as a line."""
        more = {"_meta": ENVELOPE} if self.era == "modern" else {}
        message = {"jsonrpc": "2.0", "id": name, "method": method, "params": {**params, **more}}
        return json.dumps(message).encode() + b"\n"

    async def call(self, name: int, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and wait for whatever comes next."""
        await self.ask(name, "tools/call", {"name": tool, "arguments": arguments})
        return await self.hear()

    async def result(self, name: int, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, as the fields that it has."""
        answer = await self.call(name, tool, **arguments)
        assert answer.get("id") == name, answer
        return cast("dict[str, Any]", answer["result"]["structuredContent"])

    async def contents(self, name: int = 1000, **filters: Any) -> list[str]:
        """All that is remembered, as far as one answer can say it."""
        more = {"query": "", "limit": 100, "max_tokens": 100_000, **filters}
        found = await self.result(name, "recall", **more)
        return [one["content"] for one in found["recollections"]]

    async def hear(self) -> dict[str, Any]:
        """The next message. Notifications are put aside."""
        while True:
            message = await self.message()
            if "method" not in message:
                return message
            self.notices.append(message)

    async def message(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        return cast("dict[str, Any]", json.loads(await self.line()))

    async def line(self) -> bytes:
        """The next line. Raises EndOfStream, IncompleteRead."""
        return await self._lines.receive_until(b"\n", 32 * MEBIBYTE)

    async def open(self) -> None:
        """Shake hands, in the era that does."""
        if self.era == "legacy":
            await self.initialize()

    async def initialize(self) -> None:
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _INFO}
        await self.ask(0, "initialize", params)
        assert (await self.hear())["result"]["serverInfo"]["name"] == "loci"
        await self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    async def end(self) -> None:
        """Close this end of the pipe."""
        await self._stdin.aclose()

    async def ended(self) -> tuple[int, str]:
        """Wait until the process has ended: its exit code, and what it said on stderr."""
        said = b""
        if self.process.stderr is not None:
            async for part in self.process.stderr:
                said += part
        return await self.process.wait(), said.decode()


@asynccontextmanager
async def running(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: int = subprocess.PIPE,
    stderr: int | None = None,
    seconds: float = 180,
) -> AsyncGenerator[Process]:
    """A process that has so long. Nothing is left of it."""
    with anyio.fail_after(seconds):
        async with await anyio.open_process(
            command, stdin=stdin, stderr=stderr, env=env
        ) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()


def text_of(answer: dict[str, Any]) -> str:
    """The one block of text that a tool answered with."""
    (block,) = answer["result"]["content"]
    return cast(str, block["text"])
