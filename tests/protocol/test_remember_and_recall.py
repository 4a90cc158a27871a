"""remember and recall over MCP, in both eras and through both doors."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, Implementation, TextContent

from loci.server.tokens import TokenCounter

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
# In memory the caller is whoever the test is: two at once need a connection each.
STREAMS = pytest.mark.parametrize("door", ["streams"], indirect=True)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    # Hosts that show only one of the two show everything.
    assert json.loads(text_of(result)) == result.structured_content
    return result.structured_content


async def keep(client: Client, content: str, **more: Any) -> str:
    answer = await ask(client, "remember", content=content, **more)
    return answer["memories"][0]["id"]


async def recalled(client: Client, query: str, **filters: Any) -> list[str]:
    answer = await ask(client, "recall", query=query, **filters)
    return [one["content"] for one in answer["recollections"]]


async def test_what_is_remembered_is_recalled_with_its_source(connect: Connect) -> None:
    async with connect() as client:
        await ask(
            client,
            "remember",
            content="Ada likes green tea.",
            kind="episodic",
            source="user",
            speaker="Ada",
            at="2026-05-08T13:56:00+02:00",
        )
        answer = await ask(client, "recall", query="What tea does Ada like?")
        (one,) = answer["recollections"]
        assert one["content"] == "Ada likes green tea."
        assert one["kind"] == "episodic"
        assert one["source"] == "user"
        assert one["speaker"] == "Ada"
        assert one["when"] == "2026-05-08T11:56:00Z"
        assert 0 < one["relevance"] <= 1
        assert "why" not in one
        assert answer["nothing_relevant"] is False


async def test_the_count_of_tokens_is_that_of_the_text(connect: Connect) -> None:
    counter = TokenCounter()
    async with connect() as client:
        notes = [f"Note {n}: Ada planted {n} trees, «wörtlich»." for n in range(30)]
        await ask(client, "remember", content=notes)
        for budget in (150, 400, 1000):
            arguments = {"query": "How many trees?", "limit": 30, "max_tokens": budget}
            result = await client.call_tool("recall", arguments)
            assert result.structured_content is not None
            assert result.structured_content["tokens"] == counter.count(text_of(result)) <= budget
            assert result.structured_content["omitted"] > 0


async def test_a_batch_answers_for_each_and_applies_the_rest_to_all(connect: Connect) -> None:
    async with connect() as client:
        answer = await ask(
            client, "remember", content=["One.", "Two.", "One."], tags=["n"], session="s"
        )
        statuses = [one["status"] for one in answer["memories"]]
        assert statuses == ["stored", "stored", "duplicate"]
        assert set(await recalled(client, "", tags=["n"], session="s")) == {"One.", "Two."}


async def test_a_repeat_is_a_duplicate_and_near_ones_are_shown(connect: Connect) -> None:
    async with connect() as client:
        first = await keep(client, "Ada's favourite tea is green tea.")
        again = await ask(client, "remember", content="Ada's favourite tea is green tea.")
        assert again["memories"][0] == {
            "id": first,
            "status": "duplicate",
            "entities": [],
            "similar": [],
        }
        near = await ask(client, "remember", content="Ada's favourite tea is green tea!")
        (similar,) = near["memories"][0]["similar"]
        assert similar["id"] == first
        assert similar["relevance"] >= 0.8


async def test_superseding_takes_the_older_out_of_sight(connect: Connect) -> None:
    async with connect() as client:
        old = await keep(client, "Ada lives in Rome.", at="2026-01-01")
        answer = await ask(
            client, "remember", content="Ada lives in Oslo.", at="2026-06-01", supersedes=[old]
        )
        assert answer["memories"][0]["status"] == "superseded_others"
        assert await recalled(client, "Where does Ada live?") == ["Ada lives in Oslo."]
        wide = {"include_superseded": True, "limit": 20}
        both = await recalled(client, "Where does Ada live?", **wide)
        assert set(both) == {"Ada lives in Oslo.", "Ada lives in Rome."}
        then = await recalled(client, "Where does Ada live?", as_of="2026-03-01")
        assert then == ["Ada lives in Rome."]


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"kind": "procedural"}, {"b"}),
    ({"tags": ["x"]}, {"a", "b"}),
    ({"tags": ["x", "y"]}, {"b"}),
    ({"namespace": "work"}, {"b", "c"}),
    ({"namespace": "work/deep"}, {"c"}),
    ({"entity": "Ada Lovelace"}, {"a"}),
    ({"session": "s1"}, {"c"}),
    ({"since": "2026-03-02"}, {"b", "c"}),
    ({"until": "2026-03-01"}, {"a"}),
    ({"since": "2026-03-02", "until": "2026-03-02"}, {"b"}),
    ({"known_at": "2020-01-01"}, set()),
    ({"as_of": "2026-03-02"}, {"a", "b"}),
    ({"tier": "cold"}, set()),
    ({"limit": 1}, {"c"}),
    ({}, {"a", "b", "c"}),
]


async def test_every_filter_narrows(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "a", tags=["x"], entities=["Ada Lovelace"], at="2026-03-01T22:00:00Z")
        await keep(
            client, "b", tags=["x", "y"], namespace="work", kind="procedural", at="2026-03-02"
        )
        await keep(client, "c", namespace="work/deep", session="s1", at="2026-03-03", pinned=True)
        for filters, found in FILTERS:
            assert set(await recalled(client, "", **filters)) == found, filters


async def test_a_bare_date_includes_its_whole_day(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "Late.", at="2026-03-01T23:59:59Z")
        assert await recalled(client, "", until="2026-03-01") == ["Late."]
        assert await recalled(client, "", until="2026-03-01T00:00:00Z") == []
        await keep(client, "Until then.", at="2026-03-01", valid_until="2026-03-05")
        in_time = await recalled(client, "then", as_of="2026-03-05T23:00:00Z")
        assert "Until then." in in_time
        assert "Until then." not in await recalled(client, "then", as_of="2026-03-06")


async def test_what_expires_is_out_of_sight_when_it_has(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "Parked on level 3.", at="2020-01-01", valid_until="2020-01-02")
        await keep(client, "The meeting is at noon.", expires_in=3600)
        assert await recalled(client, "") == ["The meeting is at noon."]


@STREAMS
async def test_the_callers_namespace_is_where_it_remembers_and_looks(connect: Connect) -> None:
    async with connect() as everywhere, connect(namespace="home") as home:
        await keep(everywhere, "The office is blue.", namespace="work")
        await keep(home, "The kitchen is red.")
        await keep(home, "The roof is new.", namespace="")
        assert await recalled(home, "") == ["The kitchen is red."]
        assert await recalled(everywhere, "", namespace="home") == ["The kitchen is red."]
        assert len(await recalled(home, "", namespace="")) == 3


async def test_explain_says_why(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "Ada likes tea.")
        answer = await ask(client, "recall", query="Ada tea", explain=True)
        why = answer["recollections"][0]["why"]
        assert set(why) == {"cosine", "bm25", "score", "signals"}
        assert why["score"] == pytest.approx(sum(why["signals"].values()), abs=0.01)
        assert {"words", "meaning"} <= set(why["signals"])


async def test_nothing_relevant_is_said(connect: Connect) -> None:
    async with connect() as client:
        answer = await ask(client, "recall", query="Where is the key?")
        assert answer["nothing_relevant"] is True
        assert answer["recollections"] == []


async def test_json_in_a_text_stays_text(connect: Connect) -> None:
    async with connect() as client:
        for content in ('{"theme": "dark"}', '["a", "b"]', "null", "5"):
            await keep(client, content, session="null")
        found = await recalled(client, "", session="null")
        assert set(found) == {'{"theme": "dark"}', '["a", "b"]', "null", "5"}


async def test_lists_and_objects_sent_as_text_are_unpacked(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "Tagged.", tags='["x", "y"]', metadata='{"page": 3}')
        shown = await ask(client, "revise", id=name, importance=0.5)
        assert shown["tags"] == ["x", "y"]
        assert shown["metadata"] == {"page": 3}


async def test_a_memory_names_the_client_that_had_it_remembered(connect: Connect) -> None:
    information = Implementation(name=" Host\n" + "x" * 300, version="1")
    async with connect(client_info=information) as client:
        name = await keep(client, "Ada likes tea.")
        shown = await ask(client, "revise", id=name, pinned=True)
        assert shown["agent"].startswith("Hostx")
        assert len(shown["agent"]) == 200


async def test_null_arguments_are_as_good_as_none(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "Ada likes tea.", tags=None, speaker=None, metadata=None, at=None)
        assert await recalled(client, "tea", kind=None, tags=None, since=None) == ["Ada likes tea."]
        assert name


@STREAMS
async def test_one_tenant_finds_nothing_of_another(connect: Connect) -> None:
    async with connect(tenant="ada") as ada, connect(tenant="bob") as bob:
        name = await keep(ada, "Ada's secret is tea.")
        assert await recalled(bob, "What is Ada's secret?") == []
        assert await recalled(bob, "") == []
        refused = await bob.call_tool("revise", {"id": name, "pinned": True})
        assert text_of(refused) == f"No memory {name}. Ids come from recall or remember."
        assert refused.is_error


async def test_calls_in_parallel_are_all_answered(connect: Connect) -> None:
    async with connect() as client:
        ids: list[str] = []

        async def one(number: int) -> None:
            ids.append(await keep(client, f"Fact number {number}."))

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(one, number)
        assert len(set(ids)) == 100
