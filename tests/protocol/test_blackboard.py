"""The blackboard as clients see it: tools, refusals, resources, completions, notices, waiting."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import Subscription
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import (
    CallToolResult,
    EmptyResult,
    PromptReference,
    ResourceTemplateReference,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextContent,
)
from support.sessions import EngineDesk, open_server, session

from loci.server.tokens import TokenCounter
from loci.server.transports import LociServer

pytestmark = pytest.mark.anyio

TEMPLATE = "memory://boards/{board}{?key}"


@pytest.fixture
async def boards(tmp_path: Path) -> AsyncGenerator[LociServer]:
    with anyio.fail_after(60):
        async with open_server(tmp_path) as server:
            yield server


async def write(client: Client, key: str, value: Any = None, **more: Any) -> CallToolResult:
    arguments = {"board": "plan", "key": key, "value": value, **more}
    return await client.call_tool("blackboard_write", arguments)


async def done(client: Client, key: str, value: Any = None, **more: Any) -> dict[str, Any]:
    result = await write(client, key, value, **more)
    assert not result.is_error, result
    return same(result)


async def read(client: Client, **more: Any) -> dict[str, Any]:
    return same(await client.call_tool("blackboard_read", {"board": "plan", **more}))


def same(result: CallToolResult) -> dict[str, Any]:
    """The answer, which both halves carry whole."""
    assert json.loads(text_of(result)) == result.structured_content
    assert result.structured_content is not None
    return result.structured_content


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def resource(client: Client, uri: str) -> dict[str, Any]:
    (contents,) = (await client.read_resource(uri)).contents
    return json.loads(contents.model_dump()["text"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_cells_are_written_and_read(boards: LociServer, mode: Any) -> None:
    async with session(boards, "ann", mode=mode) as ann:
        at = "2026-01-01T00:00:00Z"
        cell = {"key": "a", "value": {"x": 1}, "version": 1, "by": "ann", "at": at}
        assert await done(ann, "a", {"x": 1}) == {"board": "plan", **cell}
        leased = await done(ann, "b", "taken", ttl=60, if_version=0)
        assert leased["expires_at"] == "2026-01-01T00:01:00Z"
        page = await read(ann)
        assert page["cells"] == [cell, {k: v for k, v in leased.items() if k != "board"}]
        result = await ann.call_tool("blackboard_read", {"board": "plan"})
        assert page["tokens"] == TokenCounter().count(text_of(result))
        assert await done(ann, "a", op="delete") == {
            "board": "plan",
            "key": "a",
            "gone": "delete",
            "version": 3,
            "by": "ann",
            "at": at,
        }
        history = (await read(ann, key="a", history=True))["cells"]
        assert [one["version"] for one in history] == [3, 1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_stale_write_is_refused_with_the_current_cell(
    boards: LociServer, mode: Any
) -> None:
    async with session(boards, "ann", mode=mode) as ann:
        current = await done(ann, "a", ["x"])
        refused = await write(ann, "a", 1, if_version=0)
        assert refused.is_error
        told = same(refused)
        assert told["current"] == {k: v for k, v in current.items() if k != "board"}
        assert told["error"].startswith("a: it is at version 1, not 0; nothing was written.")


async def test_a_credential_is_masked_and_the_writer_told(boards: LociServer) -> None:
    secret = "ghp_" + "a1B2" * 9
    async with session(boards, "ann") as client:
        written = await done(client, "deploy", {"token": secret})
        assert written["value"] == {"token": "[masked: GitHub token]"}
        assert written["masked"] == ["GitHub token"]
        assert "masked" not in await done(client, "plain", "nothing to hide")
        kept = await done(client, "plain", f"The plan is on {secret}.", op="promote")
        assert kept["masked"] == ["GitHub token"]
        note = {"session": "monday", "section": "example", "content": f"Deploy with {secret}"}
        noted = same(await client.call_tool("scratchpad_write", note))
        assert noted["masked"] == ["GitHub token"]
        assert secret not in text_of(await client.call_tool("blackboard_read", {"board": "plan"}))


async def test_a_cell_is_promoted_into_memory(boards: LociServer) -> None:
    async with session(boards, "ann") as ann:
        await done(ann, "choice", "We use Postgres.")
        promoted = await done(ann, "choice", op="promote")
        assert promoted["status"] == "stored"
        memory = await resource(ann, f"memory://memories/{promoted['memory']}")
        assert (memory["content"], memory["agent"]) == ("We use Postgres.", "ann")
        assert memory["metadata"]["cell_history"].startswith("1 set by ann at ")


async def test_boards_are_resources(boards: LociServer) -> None:
    async with session(boards, "ann") as ann, session(boards, "bob", mode="legacy") as bob:
        for value in (1, 2):
            await done(ann, "ü/ö", value)
        await done(ann, "own", "secret", private=True)
        assert [one["board"] for one in (await resource(ann, "memory://boards"))["boards"]] == [
            "~plan",
            "plan",
        ]
        assert [one["board"] for one in (await resource(bob, "memory://boards"))["boards"]] == [
            "plan"
        ]
        page = await resource(bob, "memory://boards/plan")
        assert [(cell["key"], cell["value"]) for cell in page["cells"]] == [("ü/ö", 2)]
        one = await resource(bob, "memory://boards/plan?key=%C3%BC%2F%C3%B6")
        assert [cell["value"] for cell in one["history"]] == [2, 1]
        assert (await resource(ann, "memory://boards/~plan"))["cells"][0]["value"] == "secret"
        for uri in ("memory://boards/~plan", "memory://boards/none", "memory://boards/plan?key=no"):
            with pytest.raises(MCPError, match="There is no such"):
                await resource(bob, uri)


async def test_boards_and_keys_complete(boards: LociServer) -> None:
    async with session(boards, "ann") as ann, session(boards, "bob") as bob:
        for key in ("task/1", "task/2", "note"):
            await done(ann, key, 1)
        await done(ann, "own", 1, private=True)
        await done(ann, "note", op="delete")
        template = ResourceTemplateReference(type="ref/resource", uri=TEMPLATE)
        prompt = PromptReference(type="ref/prompt", name="handoff")

        async def complete(
            client: Client, ref: Any, name: str, value: str, **given: str
        ) -> list[str]:
            context = given or None
            found = await client.complete(ref, {"name": name, "value": value}, context)
            return found.completion.values

        assert await complete(ann, template, "board", "") == ["plan", "~plan"]
        assert await complete(bob, prompt, "board", "p") == ["plan"]
        assert await complete(ann, template, "key", "t", board="plan") == ["task/2", "task/1"]
        assert await complete(ann, template, "key", "", board="~plan") == ["own"]
        assert await complete(bob, template, "key", "", board="~plan") == []
        assert await complete(ann, template, "key", "", board="no such name") == []
        assert await complete(ann, template, "key", "") == []


class Told:
    """What a client of the era of handshakes is told."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._more = anyio.Event()

    async def __call__(self, message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self._more.set()

    async def until(self, uri: str) -> None:
        while uri not in self.uris:
            self._more = anyio.Event()
            await self._more.wait()


async def watch(client: Client, uri: str) -> None:
    request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def until(subscription: Subscription, uri: str) -> list[str]:
    """What is heard up to that, and that."""
    uris: list[str] = []
    async for event in subscription:
        assert isinstance(event, ResourceUpdated)
        uris.append(event.uri)
        if event.uri == uri:
            break
    return uris


async def test_changes_are_told_to_those_who_may_read_them(boards: LociServer) -> None:
    """In both eras; a private board's to its agent alone, whoever else of the tenant listens."""
    watched = ["memory://boards/plan", "memory://boards/plan?key=last", "memory://boards/~plan"]
    old_ann, old_bob = Told(), Told()
    async with (
        session(boards, "ann", mode="legacy", message_handler=old_ann) as ann,
        session(boards, "ann") as new_ann,
        session(boards, "bob", mode="legacy", message_handler=old_bob) as bob,
        session(boards, "bob") as new_bob,
        session(boards, "ann", tenant="other") as stranger,
        new_ann.listen(resource_subscriptions=watched) as told_ann,
        new_bob.listen(resource_subscriptions=watched) as told_bob,
        stranger.listen(resource_subscriptions=watched) as told_stranger,
    ):
        for client in (ann, bob):
            for uri in watched:
                await watch(client, uri)
        await done(ann, "mine", 1, private=True)
        await done(ann, "a", 1)
        await done(bob, "last", 1)
        last = "memory://boards/plan?key=last"
        # What a client has not taken in yet is told once.
        assert set(await until(told_ann, last)) == set(watched)
        assert set(await until(told_bob, last)) == {"memory://boards/plan", last}
        await old_ann.until(last)
        await old_bob.until(last)
        assert set(old_ann.uris) == set(watched)
        assert set(old_bob.uris) == {"memory://boards/plan", last}
        await done(stranger, "last", 1)
        assert await until(told_stranger, last) == ["memory://boards/plan", last]


async def test_a_reader_waits_for_a_change(boards: LociServer) -> None:
    async with session(boards, "ann") as ann, session(boards, "bob", mode="legacy") as bob:
        await done(ann, "a", 1)
        heard: list[list[str]] = []

        async def wait(client: Client, **more: Any) -> None:
            page = await read(client, wait=50, since_version=1, **more)
            heard.append([cell["key"] for cell in page["cells"]])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, bob)
            tasks.start_soon(lambda: wait(ann, key="c"))
            await done(ann, "b", 1)
            while not heard:
                await anyio.lowlevel.checkpoint()
            await done(bob, "c", 1)
        assert heard == [["b"], ["c"]]
        page = await read(ann, wait=0.01, since_version=3)
        assert (page["version"], page["cells"]) == (3, [])


async def test_nobody_waits_for_a_server_that_leaves(boards: LociServer) -> None:
    async with session(boards, "ann") as ann, anyio.create_task_group() as tasks:
        await done(ann, "a", 1)

        async def wait() -> None:
            page = await read(ann, wait=50, since_version=1)
            assert page["cells"] == []
            heard.set()

        heard = anyio.Event()
        tasks.start_soon(wait)
        assert isinstance(boards.desk, EngineDesk)
        for _ in range(3):
            await read(ann)
        with anyio.fail_after(20):
            boards.desk.engine.hurry()
            await heard.wait()
