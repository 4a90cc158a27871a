"""What `serve_streams` adds to the SDK's loop: probes, a limit, answers at the end, one caller."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp.client._transport import TransportStreams
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from loci.server.access import Caller, current_caller
from loci.server.engine import Memories
from loci.server.errors import LociError, StoreBusy
from loci.server.model import Change, Status
from loci.server.transports import build_server, serve_streams

pytestmark = pytest.mark.anyio

ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
RECALL = {"name": "recall", "arguments": {"query": "x"}}


class GatedDesk:
    """A desk that nobody gets past before the gate opens, and then only to an error."""

    def __init__(self, error: Exception) -> None:
        self.gate = anyio.Event()
        self.tenants: list[str] = []
        self.cancelled = 0
        self._error = error

    async def memories(self) -> Memories:
        self.tenants.append(current_caller().tenant)
        try:
            await self.gate.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        raise self._error

    async def status(self) -> Status:
        raise self._error

    def on_change(self, listener: Callable[[Change], Awaitable[None]]) -> None:
        """Nothing changes here."""


class Wire:
    """A client that speaks JSON-RPC by hand."""

    def __init__(self, streams: TransportStreams) -> None:
        self._read, self._write = streams

    async def ask(self, name: int, method: str, params: dict[str, Any]) -> None:
        request = JSONRPCRequest(jsonrpc="2.0", id=name, method=method, params=params)
        await self._write.send(SessionMessage(request))

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        note = JSONRPCNotification(jsonrpc="2.0", method=method, params=params)
        await self._write.send(SessionMessage(note))

    async def hear(self) -> JSONRPCMessage:
        item = await self._read.receive()
        assert isinstance(item, SessionMessage)
        return item.message

    async def result(self) -> dict[str, Any]:
        message = await self.hear()
        assert isinstance(message, JSONRPCResponse), message
        return message.result

    async def initialize(self) -> None:
        await self.ask(0, "initialize", INITIALIZE)
        assert (await self.result())["protocolVersion"] == "2025-11-25"
        await self.tell("notifications/initialized", {})

    async def end(self) -> None:
        await self._write.aclose()


@pytest.fixture
def desk() -> GatedDesk:
    return GatedDesk(StoreBusy("Another process has it."))


@asynccontextmanager
async def wired(
    desk: GatedDesk, on_first_answer: Callable[[], None] | None = None
) -> AsyncGenerator[Wire]:
    server = build_server(desk, on_first_answer=on_first_answer)
    caller = Caller(tenant="ada")
    with anyio.fail_after(10):
        async with (
            create_client_server_memory_streams() as (client, served),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(serve_streams, server, caller, *served)
            wire = Wire(client)
            yield wire
            await wire.end()


async def test_a_client_may_discover_before_it_initializes(desk: GatedDesk) -> None:
    async with wired(desk) as wire:
        await wire.ask(1, "server/discover", ENVELOPE)
        assert "2026-07-28" in (await wire.result())["supportedVersions"]
        await wire.initialize()
        await wire.ask(2, "tools/list", {})
        assert len((await wire.result())["tools"]) == 12


async def test_a_client_may_discover_twice_and_stay_modern(desk: GatedDesk) -> None:
    async with wired(desk) as wire:
        for name in (1, 2):
            await wire.ask(name, "server/discover", ENVELOPE)
            await wire.result()
        await wire.ask(3, "tools/list", ENVELOPE)
        assert (await wire.result())["resultType"] == "complete"
        await wire.ask(4, "server/discover", ENVELOPE)
        assert "2026-07-28" in (await wire.result())["supportedVersions"]


async def test_a_handshake_waits_for_no_store_and_starts_one_when_it_is_out(
    desk: GatedDesk,
) -> None:
    started: list[str] = []
    async with wired(desk, lambda: started.append("started")) as wire:
        assert started == []
        await wire.initialize()
        await wire.ask(1, "tools/list", {})
        await wire.result()
        assert started == ["started"]
        assert desk.tenants == []


async def test_what_was_accepted_before_the_end_is_answered(desk: GatedDesk) -> None:
    async with wired(desk) as wire:
        await wire.initialize()
        await wire.ask(1, "tools/call", RECALL)
        await wire.end()
        await anyio.wait_all_tasks_blocked()
        desk.gate.set()
        result = await wire.result()
        assert result["content"][0]["text"] == "Another process has it."
        assert result["isError"] is True


async def test_no_more_than_a_limit_is_worked_on_at_once(desk: GatedDesk) -> None:
    async with wired(desk) as wire:
        await wire.initialize()

        async def ask_all() -> None:
            for name in range(1, 101):
                await wire.ask(name, "tools/call", RECALL)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_all)
            await anyio.wait_all_tasks_blocked()
            assert len(desk.tenants) == 64
            desk.gate.set()
            for _ in range(100):
                await wire.result()
        assert desk.tenants == ["ada"] * 100


async def test_what_is_cancelled_gets_no_answer_and_holds_nothing_up(desk: GatedDesk) -> None:
    async with wired(desk) as wire:
        await wire.initialize()
        for name in range(1, 65):
            await wire.ask(name, "tools/call", RECALL)
        await anyio.wait_all_tasks_blocked()
        # Some clients cancel by the text of the number.
        await wire.tell("notifications/cancelled", {"requestId": "1"})
        await anyio.wait_all_tasks_blocked()
        assert desk.cancelled == 1
        for name in range(2, 65):
            await wire.tell("notifications/cancelled", {"requestId": name})
        await wire.ask(99, "tools/list", {})
        answer = await wire.hear()
        assert isinstance(answer, JSONRPCResponse)
        assert answer.id == 99
        assert desk.cancelled == 64


async def test_an_expected_failure_says_what_it_is_in_tools_and_resources(desk: GatedDesk) -> None:
    desk.gate.set()
    async with wired(desk) as wire:
        await wire.initialize()
        await wire.ask(1, "tools/call", RECALL)
        assert (await wire.result())["content"][0]["text"] == "Another process has it."
        for name, uri in ((2, "memory://tiers/warm"), (3, "memory://status")):
            await wire.ask(name, "resources/read", {"uri": uri})
            answer = await wire.hear()
            assert isinstance(answer, JSONRPCError)
            assert (answer.error.code, answer.error.message) == (-32603, "Another process has it.")


async def test_a_bug_is_masked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    desk = GatedDesk(RuntimeError("a secret"))
    desk.gate.set()
    async with wired(desk) as wire:
        await wire.initialize()
        await wire.ask(1, "tools/call", RECALL)
        assert (await wire.result())["content"][0]["text"] == "Error executing tool recall"
        await wire.ask(2, "resources/read", {"uri": "memory://tiers/hot"})
        answer = await wire.hear()
        assert isinstance(answer, JSONRPCError)
        assert "secret" not in answer.error.message
        completion = {
            "ref": {"type": "ref/prompt", "name": "onboard"},
            "argument": {"name": "namespace", "value": ""},
        }
        await wire.ask(3, "completion/complete", completion)
        answer = await wire.hear()
        assert isinstance(answer, JSONRPCError)
        assert "secret" not in answer.error.message
    assert "a secret" in caplog.text


async def test_an_expected_failure_is_said_in_completions() -> None:
    desk = GatedDesk(LociError("Come back later."))
    desk.gate.set()
    async with wired(desk) as wire:
        await wire.initialize()
        completion = {
            "ref": {"type": "ref/prompt", "name": "onboard"},
            "argument": {"name": "namespace", "value": ""},
        }
        await wire.ask(1, "completion/complete", completion)
        answer = await wire.hear()
        assert isinstance(answer, JSONRPCError)
        assert answer.error.message == "Come back later."
