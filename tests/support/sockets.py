"""The daemon's door in the test's own loop: a listener on a socket, and a client of the SDK over it."""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from loci.server.access import Caller
from loci.server.shim.marks import Marks
from loci.server.transports import (
    Guest,
    Hello,
    LinesIn,
    LinesOut,
    Listener,
    LociServer,
    Resuming,
    serve_lines,
)

__all__ = ["over_socket"]

_HELLO = b'{"loci":1,"version":"1","pid":1,"door":"mcp","flags":{},"environment":{}}\n'
_LONGEST = 32 << 20

Outward = MemoryObjectSendStream[SessionMessage | Exception]
Inward = MemoryObjectReceiveStream[SessionMessage]


class OneCaller:
    """Serves everybody as one caller."""

    def __init__(self, server: LociServer, caller: Caller) -> None:
        self._server = server
        self._caller = caller

    def receive(self, hello: Hello) -> Guest:
        return Guest(hello=hello, caller=self._caller, tools="full", notice="Welcome.")

    async def serve(self, guest: Guest, lines: LinesIn, out: LinesOut) -> None:
        resuming = Resuming(guest.hello.resumed)
        await serve_lines(self._server, guest.caller, lines, out, resuming)


@asynccontextmanager
async def over_socket(
    server: LociServer, caller: Caller, folder: Path
) -> AsyncGenerator[TransportStreams]:
    """A connection to a listener, as the client's streams. The socket lies in the folder."""
    place = folder / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        listener = Listener(listening)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.run, OneCaller(server, caller))
            async with await anyio.connect_unix(place) as connection:
                place.unlink()
                async with _greeted(connection) as streams:
                    yield streams
            listener.close()


@asynccontextmanager
async def _greeted(connection: SocketStream) -> AsyncGenerator[TransportStreams]:
    await connection.send(_HELLO)
    lines = BufferedByteReceiveStream(connection)
    assert await lines.receive_until(b"\n", _LONGEST) == b"ok Welcome."
    heard, outward = anyio.create_memory_object_stream[SessionMessage | Exception]()
    inward, said = anyio.create_memory_object_stream[SessionMessage]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_hear, lines, heard)
        tasks.start_soon(_say, said, connection)
        async with outward, inward:
            yield outward, inward


async def _hear(lines: BufferedByteReceiveStream, heard: Outward) -> None:
    marks = Marks()
    async with heard:
        while True:
            try:
                line = await lines.receive_until(b"\n", _LONGEST)
            except (anyio.IncompleteRead, anyio.EndOfStream):
                return
            if text := marks.strip(line + b"\n"):
                message = jsonrpc_message_adapter.validate_json(text, by_name=False)
                try:
                    await heard.send(SessionMessage(message))
                except anyio.BrokenResourceError:
                    return


async def _say(said: Inward, connection: SocketStream) -> None:
    async with said:
        async for item in said:
            text = json.dumps(item.message.model_dump(by_alias=True, exclude_unset=True))
            await connection.send(text.encode() + b"\n")
    await connection.send_eof()
