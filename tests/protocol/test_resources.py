"""Resources in both eras: tiers in pages, memories and their versions, the status, the skill."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, TextResourceContents

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]


async def keep(client: Client, *contents: str, **more: Any) -> list[str]:
    result = await client.call_tool("remember", {"content": list(contents), **more})
    assert result.structured_content is not None
    return [one["id"] for one in result.structured_content["memories"]]


async def read(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    return contents.text


async def refused(client: Client, uri: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    assert caught.value.error.data == {"uri": uri}
    return caught.value.error.code, caught.value.error.message


async def test_the_hot_tier_is_text_for_the_context(connect: Connect) -> None:
    async with connect() as client:
        assert await read(client, "memory://tiers/hot") == "Nothing is remembered yet.\n"
        (name,) = await keep(client, "Ada likes tea.", pinned=True, at="2026-05-08")
        first = await read(client, "memory://tiers/hot")
        assert f"- Ada likes tea. (agent, 2026-05-08, {name})\n" in first
        assert await read(client, "memory://tiers/hot") == first
        (contents,) = (await client.read_resource("memory://tiers/hot")).contents
        assert contents.mime_type == "text/markdown"


async def test_a_tier_is_read_in_pages_newest_first(connect: Connect) -> None:
    async with connect() as client:
        names = await keep(client, *[f"Note {n}." for n in range(7)])
        await client.call_tool("forget", {"ids": names, "mode": "archive"})
        seen: list[str] = []
        uri = "memory://tiers/cold?limit=3"
        while uri:
            page = json.loads(await read(client, uri))
            assert len(page["memories"]) <= 3
            seen += [one["id"] for one in page["memories"]]
            cursor = page.get("cursor")
            uri = f"memory://tiers/cold?cursor={cursor}&limit=3" if cursor else ""
        assert seen == names[::-1]
        whole = json.loads(await read(client, "memory://tiers/cold"))
        assert [one["id"] for one in whole["memories"]] == names[::-1]


async def test_a_page_is_bounded_in_length_too(connect: Connect) -> None:
    async with connect() as client:
        names = await keep(client, *[f"{n} " + "word " * 4000 for n in range(8)])
        await client.call_tool("forget", {"ids": names, "mode": "archive"})
        text = await read(client, "memory://tiers/cold")
        assert len(text) < 62_000
        page = json.loads(text)
        rest = json.loads(await read(client, f"memory://tiers/cold?cursor={page['cursor']}"))
        shown = [one["id"] for one in page["memories"] + rest["memories"]]
        assert shown == names[::-1][: len(shown)]
        assert len(page["memories"]) >= 2


async def test_a_memory_is_read_with_its_links_and_its_history(connect: Connect) -> None:
    async with connect() as client:
        (old,) = await keep(client, "Ada lives in Rome.", entities=["Ada"], at="2026-01-01")
        (new,) = await keep(client, "Ada lives in Oslo.", supersedes=[old], at="2026-06-01")
        shown = json.loads(await read(client, f"memory://memories/{old}"))
        assert shown["content"] == "Ada lives in Rome."
        assert shown["entities"] == ["Ada"]
        assert shown["valid_until"] == "2026-06-01T00:00:00Z"
        assert shown["links"] == {
            "history": f"memory://memories/{old}/history",
            "superseded_by": f"memory://memories/{new}",
        }
        versions = json.loads(await read(client, f"memory://memories/{old}/history"))["versions"]
        assert [one["version"] for one in versions] == [1, 2]
        assert "replaced_at" in versions[0]
        assert "superseded_by" not in versions[0]


async def test_a_long_history_shows_its_latest_versions(connect: Connect) -> None:
    async with connect() as client:
        (name,) = await keep(client, "1 " + "word " * 4000)
        for version in range(2, 6):
            content = f"{version} " + "word " * 4000
            await client.call_tool("revise", {"id": name, "content": content})
        shown = json.loads(await read(client, f"memory://memories/{name}/history"))
        assert [one["version"] for one in shown["versions"]] == [4, 5]
        assert shown["omitted"] == 3


async def test_the_status_is_proved_by_a_canary(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "Ada likes tea.", pinned=True)
        status = json.loads(await read(client, "memory://status"))
        assert status["healthy"] is True
        assert sum(status["tiers"].values()) == 1
        assert status["kinds"] == {"semantic": 1}
        assert status["embedder"].startswith("hash/")
        assert status["index"]["searched"] == "exactly"
        assert status["index"]["vectors"] == 1
        assert "recalled and erased" in status["canary"]


async def test_what_is_not_there_is_refused_and_says_why(connect: Connect) -> None:
    async with connect() as client:
        unknown = "m" + "0" * 12
        said = (INVALID_PARAMS, f"No memory {unknown}. Ids come from recall or remember.")
        assert await refused(client, f"memory://memories/{unknown}") == said
        assert await refused(client, f"memory://memories/{unknown}/history") == said
        assert await refused(client, "memory://tiers/lukewarm") == (
            INVALID_PARAMS,
            "No such tier. Tiers are hot, warm and cold.",
        )
        assert await refused(client, "memory://tiers/warm?limit=0") == (
            INVALID_PARAMS,
            "limit: give 1 to 100.",
        )
        assert await refused(client, "memory://tiers/warm?limit=few") == (
            INVALID_PARAMS,
            "limit: give a whole number.",
        )
        assert await refused(client, "memory://tiers/warm?cursor=next") == (
            INVALID_PARAMS,
            "cursor: use the one that the page before gave.",
        )
        assert (await refused(client, "memory://nowhere"))[0] == INVALID_PARAMS
        assert (await refused(client, "memory://memories/..%2F.."))[0] == INVALID_PARAMS


@pytest.mark.parametrize("door", ["streams"], indirect=True)
async def test_what_is_anothers_looks_as_if_it_were_not_there(connect: Connect) -> None:
    async with connect(tenant="ada") as ada, connect(tenant="bob") as bob:
        (name,) = await keep(ada, "Ada's secret.")
        said = (INVALID_PARAMS, f"No memory {name}. Ids come from recall or remember.")
        assert await refused(bob, f"memory://memories/{name}") == said
        assert await refused(bob, f"memory://memories/{name}/history") == said
        assert json.loads(await read(bob, "memory://tiers/warm")) == {"memories": []}
        assert "secret" not in await read(bob, "memory://tiers/hot")


async def test_the_skill_is_a_resource(connect: Connect) -> None:
    async with connect() as client:
        text = await read(client, "skill://using-memory")
        assert text.startswith("---\nname: using-memory\n")
        assert await read(client, "skill://using-memory/SKILL.md") == text
