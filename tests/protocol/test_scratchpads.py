"""Scratchpads over MCP: the three tools, the resource, its notices, completion, and a session's end."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import anyio
import pytest
from mcp import Client, MCPError
from mcp.types import PromptReference, ResourceTemplateReference, TextContent

from loci.server.access import Caller
from loci.server.engine import Memories
from loci.server.model import Change
from loci.server.model.render import compact
from loci.server.tokens import TokenCounter

from .conftest import EngineDesk
from .test_subscriptions import Told, heard, leave, watch

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
OverStreams = Callable[[Caller], AbstractAsyncContextManager[Any]]
ONE_DOOR = pytest.mark.parametrize("door", ["memory"], indirect=True)
WORTH = "Decided with Mara: loci_core runs on port 9090, because 8080 is taken."


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert json.loads(content.text) == result.structured_content
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def write(client: Client, content: str, session: str = "monday", **more: Any) -> str:
    arguments = {"session": session, "section": "observation", "content": content, **more}
    return (await call(client, "scratchpad_write", **arguments))["id"]


async def read(client: Client, uri: str) -> dict[str, Any]:
    (contents,) = (await client.read_resource(uri)).contents
    return json.loads(contents.model_dump()["text"])


async def test_notes_are_written_read_and_promoted(connect: Connect) -> None:
    async with connect(namespace="work") as client:
        first = await write(client, "ok")
        arguments = {"section": "reasoning", "importance": 0.9, "outcome": "success"}
        answer = await call(
            client, "scratchpad_write", session="monday", content=WORTH, **arguments
        )
        assert answer["pad"] == {"notes": 2, "characters": 400, "limit": 100_000}
        second = answer["id"]
        pad = await call(client, "scratchpad_read", session="monday")
        assert [one["id"] for one in pad["notes"]] == [first, second]
        assert pad["notes"][1] | {"at": ""} == {
            "id": second,
            "content": WORTH,
            "at": "",
            "by": "mcp",
            **arguments,
        }
        assert pad["tokens"] == TokenCounter().count(compact(pad))
        few = await call(client, "scratchpad_read", session="monday", section="reasoning")
        assert [one["id"] for one in few["notes"]] == [second]

        dry = await call(client, "promote", session="monday", dry_run=True)
        assert (await call(client, "recall", query="port"))["recollections"] == []
        done = await call(client, "promote", session="monday")
        assert (dry["dry_run"], dry["promoted"], done["promoted"]) == (True, 1, 1)
        kept, left = done["notes"]
        assert (kept["id"], kept["status"], left["id"], left["status"]) == (
            second,
            "promoted",
            first,
            "left",
        )
        assert "too little" in left["reason"]
        assert {one["id"]: one["scores"] for one in dry["notes"]} == {
            one["id"]: one["scores"] for one in done["notes"]
        }
        memory = await read(client, f"memory://memories/{kept['memory']}")
        assert (memory["session"], memory["namespace"]) == ("monday", "work")
        assert memory["metadata"] == {"notes": second}
        assert await call(client, "promote", session="monday") == done
        chosen = await call(client, "promote", session="monday", ids=[first])
        assert [one["reason"] for one in chosen["notes"]] == ["asked for"]


@ONE_DOOR
async def test_reading_stays_within_its_tokens(connect: Connect) -> None:
    async with connect() as client:
        for number in range(20):
            await write(client, f"This is what was seen in step {number} of the whole session.")
        pad = await call(client, "scratchpad_read", session="monday", max_tokens=300)
        assert pad["tokens"] <= 300
        assert pad["omitted"] + len(pad["notes"]) == 20
        assert "step 19" in pad["notes"][-1]["content"]


@ONE_DOOR
async def test_wrong_arguments_are_refused_in_a_sentence(connect: Connect) -> None:
    async with connect() as client:
        given = {"session": "s", "content": "x"}
        assert await refused(client, "scratchpad_write", section="thought", **given) == (
            "section: use observation, reasoning, example or trajectory."
        )
        assert await refused(client, "scratchpad_write", section="example", mood="x", **given) == (
            "There is no argument 'mood'; use session, section, content, importance, outcome."
        )
        assert "give 100 to 100000" in await refused(
            client, "scratchpad_read", session="s", max_tokens=5
        )
        assert await refused(client, "promote", session="nothing") == (
            "No notes of session 'nothing'. Write some with scratchpad_write."
        )
        assert (await call(client, "scratchpad_read", session="nothing"))["notes"] == []


@ONE_DOOR
@pytest.mark.parametrize("session", ["monday", "work/loci: über & co?"])
async def test_the_resource_has_the_notes_with_what_became_of_them(
    connect: Connect, session: str
) -> None:
    uri = f"memory://scratchpads/{quote(session, safe='')}"
    async with connect() as client:
        with pytest.raises(MCPError, match="No notes of session"):
            await read(client, uri)
        name = await write(client, WORTH, session)
        await call(client, "promote", session=session)
        pad = await read(client, uri)
        assert (pad["session"], pad["omitted"]) == (session, 0)
        (note,) = pad["notes"]
        assert (note["id"], note["content"]) == (name, WORTH)
        assert note["promotion"]["status"] == "promoted"
        assert note["memory"].startswith("m")


@ONE_DOOR
async def test_the_resource_is_bounded(connect: Connect) -> None:
    async with connect() as client:
        for number in range(3):
            await write(client, f"{number}{'x' * 25_000}")
        pad = await read(client, "memory://scratchpads/monday")
        assert [note["content"][0] for note in pad["notes"]] == ["1", "2"]
        assert pad["omitted"] == 1


@ONE_DOOR
async def test_sessions_complete(connect: Connect) -> None:
    async with connect() as client:
        await write(client, "x", "monday-1")
        await write(client, "x", "monday-2")
        await client.call_tool("remember", {"content": "x", "session": "monday-0"})
        template = ResourceTemplateReference(
            type="ref/resource", uri="memory://scratchpads/{session}"
        )
        prompt = PromptReference(type="ref/prompt", name="remember_session")
        for reference in (template, prompt):
            found = await client.complete(reference, {"name": "session", "value": "mon"})
            assert found.completion.values == ["monday-2", "monday-1", "monday-0"]


@ONE_DOOR
async def test_a_sessions_erasure_is_confirmed_with_its_notes(connect: Connect) -> None:
    async with connect() as client:
        name = await write(client, "Small talk.")
        chosen = {"session": "monday", "mode": "erase"}
        asked = await call(client, "forget", **chosen)
        assert (asked["status"], asked["count"], asked["ids"]) == ("confirm", 1, [name])
        done = await call(client, "forget", confirm=asked["confirm"], **chosen)
        assert (done["status"], done["notes"], done["residue"]["found"]) == ("done", 1, [])
        assert (await call(client, "scratchpad_read", session="monday"))["notes"] == []


async def test_changes_are_told_in_both_eras_and_to_nobody_else(over_streams: OverStreams) -> None:
    uri = "memory://scratchpads/work%2Floci"
    told, other = Told(), Told()
    ada, bob = Caller(tenant="ada"), Caller(tenant="bob")
    with anyio.fail_after(20):
        async with (
            Client(over_streams(ada), mode="legacy", message_handler=told) as old,
            Client(over_streams(bob), mode="legacy", message_handler=other) as stranger,
            Client(over_streams(ada)) as new,
            new.listen(resource_subscriptions=[uri, "memory://tiers/warm"]) as subscription,
        ):
            for client in (old, stranger):
                await watch(client, uri)
                await watch(client, "memory://tiers/warm")
            await write(new, WORTH, "work/loci")
            # A note is no memory: the tiers are as they were.
            assert await heard(subscription, 1) == [uri]
            await call(new, "promote", session="work/loci")
            assert set(await heard(subscription, 2)) == {uri, "memory://tiers/warm"}
            assert await told.until(3) == {uri, "memory://tiers/warm"}
            await leave(old, "memory://tiers/warm")
            await stranger.list_tools()
            assert other.uris == []


async def test_a_session_is_over_when_the_connection_that_wrote_it_closes(
    desk: EngineDesk, over_streams: OverStreams
) -> None:
    changed = anyio.Event()

    async def noted(_: Change) -> None:
        changed.set()

    async def decided(memories: Memories, session: str) -> list[str | None]:
        notes = (await memories.pad(session)).notes
        return [None if note.decision is None else note.decision.occasion for note in notes]

    memories = await desk.engine.for_tenant("ada")
    with anyio.fail_after(20):
        async with (
            Client(over_streams(Caller(tenant="ada"))) as stays,
            Client(over_streams(Caller(tenant="ada"))) as goes,
        ):
            await write(stays, "x", "of the one that stays")
            await write(goes, WORTH, "of the one that goes")
            await goes.__aexit__(None, None, None)
            desk.on_change(noted)
            while await decided(memories, "of the one that goes") != ["ended"]:
                await changed.wait()
                changed = anyio.Event()
            assert await decided(memories, "of the one that stays") == [None]
        assert [one.content for one in (await memories.page()).memories] == [WORTH]
