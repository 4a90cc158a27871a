"""What a client is shown before it asks for anything: stable, lean and within its budget."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from pydantic import BaseModel

from loci.server.access import Caller, as_caller
from loci.server.tokens import TokenCounter
from loci.server.transports import LociServer, build_server
from loci.tools import tools

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
SNAPSHOTS = Path(__file__).parent / "snapshots"
AGAIN = "If the change is meant, run `LOCI_SNAPSHOTS=write python -m pytest tests/protocol`."


def check(name: str, listed: list[Any]) -> None:
    dumped = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in listed]
    text = json.dumps(dumped, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path = SNAPSHOTS / f"{name}.json"
    if os.environ.get("LOCI_SNAPSHOTS") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, AGAIN


COUNTER = TokenCounter()


def tokens(name: str) -> int:
    (tool,) = [one for one in tools("full") if one.name == name]
    shown = {"name": tool.name, "description": tool.description, "inputSchema": tool.parameters}
    return COUNTER.count(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))


async def test_lists_are_as_the_snapshots_say(connect: Connect) -> None:
    async with connect() as client:
        check("tools", (await client.list_tools()).tools)
        check("resources", (await client.list_resources()).resources)
        check("templates", (await client.list_resource_templates()).resource_templates)
        check("prompts", (await client.list_prompts()).prompts)


async def test_lists_are_the_same_for_every_caller_and_after_every_write(connect: Connect) -> None:
    async def listed(client: Client) -> list[BaseModel]:
        # What a client caches would be the same anyway.
        tools = await client.list_tools(cache_mode="refresh")
        prompts = await client.list_prompts(cache_mode="refresh")
        return [*tools.tools, *prompts.prompts]

    async with connect() as ada, connect(tenant="bob") as bob:
        before = await listed(ada)
        await ada.call_tool("remember", {"content": "Ada likes tea."})
        assert before == await listed(ada) == await listed(bob)


def test_tool_definitions_stay_within_their_budget() -> None:
    assert sum(tokens(tool.name) for tool in tools("core")) <= 1000
    assert sum(tokens(tool.name) for tool in tools("full")) <= 2200
    assert sum(tokens(name) for name in ("blackboard_read", "blackboard_write")) <= 285
    assert sum(tokens(name) for name in ("remember", "recall", "forget")) <= 800
    assert tokens("revise") <= 130
    assert sum(tokens(one) for one in ("scratchpad_write", "scratchpad_read", "promote")) <= 260
    assert tokens("reflect") <= 110
    assert tokens("entities") + tokens("entity_merge") <= 200


async def test_instructions_stay_within_their_budget(server: LociServer) -> None:
    assert server.instructions is not None
    assert COUNTER.count(server.instructions) <= 300
    # Some hosts cut them there.
    assert len(server.instructions) < 2048


async def test_the_core_profile_has_the_first_tools_only(server: LociServer) -> None:
    core = build_server(server.desk, profile="core")
    names = [tool.name for tool in await core.list_tools()]
    assert names == ["remember", "recall", "forget", "blackboard_read", "blackboard_write"]


async def test_every_tool_says_what_it_may_do(connect: Connect) -> None:
    async with connect() as client:
        listed = (await client.list_tools()).tools
    for tool in listed:
        hints = tool.annotations
        assert hints is not None
        given = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
        assert None not in given, tool.name
        assert hints.open_world_hint is False
        assert tool.title
        assert tool.output_schema
        assert tool.input_schema["additionalProperties"] is False
    assert [t.name for t in listed if t.annotations and t.annotations.read_only_hint] == [
        "recall",
        "blackboard_read",
        "entities",
        "scratchpad_read",
    ]
    assert [t.name for t in listed if t.annotations and t.annotations.destructive_hint] == [
        "forget"
    ]


async def test_the_server_names_itself_and_its_capabilities(connect: Connect) -> None:
    async with connect() as client:
        assert client.server_info is not None
        assert client.server_info.name == "loci"
        capabilities = client.server_capabilities
        assert capabilities.resources is not None
        assert capabilities.resources.subscribe
        assert capabilities.completions is not None
        assert (client.instructions or "").startswith("Loci is your long-term memory")


async def test_lists_may_be_cached_and_what_is_read_may_not(server: LociServer) -> None:
    with anyio.fail_after(5), as_caller(Caller(tenant="ada")):
        async with Client(server) as client:
            listed = await client.list_tools()
            assert (listed.ttl_ms, listed.cache_scope) == (3_600_000, "public")
            read = await client.read_resource("memory://tiers/hot")
            assert (read.ttl_ms, read.cache_scope) == (0, "private")


async def test_listed_resources_say_when_they_last_changed(server: LociServer) -> None:
    with anyio.fail_after(5), as_caller(Caller(tenant="ada")):
        async with Client(server) as client:
            first = (await client.list_resources()).resources[0]
            assert first.annotations is not None
            assert first.annotations.last_modified is None
            await client.call_tool("remember", {"content": "Ada likes tea."})
            first = (await client.list_resources()).resources[0]
            assert first.annotations is not None
            assert (first.annotations.last_modified or "").endswith("Z")
    with as_caller(Caller(tenant="bob")):
        (other, *_) = await server.list_resources()
        assert other.annotations is not None
        assert other.annotations.last_modified is None
