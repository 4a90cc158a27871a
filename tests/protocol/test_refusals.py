"""Bad input is refused in a sentence or two that says what to do, and nothing is lost by it."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, TextContent

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
TIME = "is no time. Use ISO 8601, such as 2026-05-08 or 2026-05-08T13:56:00Z."
LONG = (
    "content: 10,000,000 characters; a memory has at most 50,000. "
    "Remember its statements one by one."
)
UNKNOWN = (
    "There is no argument 'zzzzzz'; use id, content, kind, tags, importance, pinned, "
    "valid_until, metadata."
)
LONE = "it contains half a character (a lone surrogate); remove it."

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("recall", {}, "query: it is required."),
    ("recall", {"query": 5}, "query: give text."),
    ("recall", {"query": "\ud800"}, f"query: {LONE}"),
    ("recall", {"query": "a\0b"}, "query: it contains a NUL character; remove it."),
    ("recall", {"query": "x", "limit": "a"}, "limit: give a whole number."),
    ("recall", {"query": "x", "limit": 1.5}, "limit: give a whole number."),
    ("recall", {"query": "x", "limit": 0}, "limit: give 1 to 100."),
    ("recall", {"query": "x", "max_tokens": 10**30}, "max_tokens: give 100 to 100000."),
    ("recall", {"query": "x", "kind": "fact"}, "kind: use semantic, episodic or procedural."),
    ("recall", {"query": "x", "tier": 1}, "tier: use hot, warm or cold."),
    ("recall", {"query": "x", "tags": "a"}, "tags: give a list."),
    ("recall", {"query": "x", "tags": [1]}, "tags: each must be text."),
    ("recall", {"query": "x", "tags": {"a": 1}}, "tags: give a list."),
    ("recall", {"query": "x", "explain": "maybe"}, "explain: give true or false."),
    ("recall", {"query": "x", "since": "tomorrow"}, f"since: 'tomorrow' {TIME}"),
    ("recall", {"query": "x", "until": "2026-02-30"}, f"until: '2026-02-30' {TIME}"),
    ("recall", {"query": "x", "as_of": "\ud800"}, "as_of: '\\ud800' " + TIME),
    ("recall", {"query": "x", "known_at": "1"}, f"known_at: '1' {TIME}"),
    (
        "recall",
        {"query": "x", "since": "2026-02-01", "until": "2026-01-01"},
        "since: it is not before until; swap them.",
    ),
    ("recall", {"query": "x", "limt": 1}, "There is no argument 'limt'; did you mean limit?"),
    (
        "revise",
        {"id": "x", "zzzzzz": 1},
        UNKNOWN,
    ),
    (
        "recall",
        {"qery": "x", "limit": "a", "kind": 5},
        "query: it is required. limit: give a whole number.",
    ),
    ("remember", {"content": ""}, "content: it is empty; say what to remember."),
    ("remember", {"content": " \n"}, "content: it is empty; say what to remember."),
    ("remember", {"content": 5}, "content: give text or a list of texts."),
    ("remember", {"content": {"a": 1}}, "content: give text or a list of texts."),
    ("remember", {"content": []}, "content: 0 memories in one call; send 1 to 100."),
    ("remember", {"content": ["x"] * 101}, "content: 101 memories in one call; send 1 to 100."),
    ("remember", {"content": "a\0b"}, "content: it contains a NUL character; remove it."),
    (
        "remember",
        {"content": "x" * 10_000_000},
        LONG,
    ),
    ("remember", {"content": "x", "importance": 2}, "importance: give a number from 0 to 1."),
    ("remember", {"content": "x", "importance": "much"}, "importance: give a number."),
    (
        "remember",
        {"content": "x", "source": "rumour"},
        "source: use user, agent, tool, web or import.",
    ),
    (
        "remember",
        {"content": "x", "at": "0001-01-01T00:00:00+14:00"},
        "at: '0001-01-01T00:00:00+14:00' " + TIME,
    ),
    ("remember", {"content": "x", "expires_in": -1}, "expires_in: give seconds above 0."),
    (
        "remember",
        {"content": "x", "expires_in": 1e300},
        "expires_in: too far away; leave it out to keep for good.",
    ),
    (
        "remember",
        {"content": "x", "expires_in": 5, "valid_until": "2030-01-01"},
        "Give valid_until or expires_in, not both.",
    ),
    (
        "remember",
        {"content": "x", "at": "2026-01-02", "valid_until": "2026-01-01"},
        "valid_until: it lies before the memory begins to hold (`at`).",
    ),
    (
        "remember",
        {"content": "x", "namespace": "a//b"},
        "namespace: use a path such as work/loci, of letters, digits and .-_@",
    ),
    ("remember", {"content": "x", "tags": [""]}, "tags: give 1 to 200 characters."),
    ("remember", {"content": "x", "tags": ["a"] * 40}, "tags: at most 32."),
    ("remember", {"content": "x", "speaker": "x" * 201}, "speaker: give 1 to 200 characters."),
    (
        "remember",
        {"content": "x", "metadata": {"a": {"b": 1}}},
        "metadata: 'a' is nested; use text, numbers and booleans.",
    ),
    ("remember", {"content": "x", "metadata": [1]}, "metadata: give an object."),
    (
        "remember",
        {"content": "x", "metadata": {"a": "x" * 5000}},
        "metadata: 5,009 bytes; at most 4,096.",
    ),
    (
        "remember",
        {"content": "x", "supersedes": ["m" + "0" * 12]},
        "No memory m000000000000. Ids come from recall or remember.",
    ),
    ("revise", {"id": "nonsense"}, "No memory 'nonsense'. Ids come from recall or remember."),
    (
        "revise",
        {"id": "\ud800", "pinned": True},
        "No memory '\\ud800'. Ids come from recall or remember.",
    ),
    (
        "revise",
        {"id": "m" + "0" * 12},
        "Say what to change: content, kind, tags, importance, pinned, …",
    ),
    ("forget", {}, "Say what to forget: ids, tags, namespace, entity, session or before."),
    (
        "forget",
        {"namespace": ""},
        "Say what to forget: ids, tags, namespace, entity, session or before.",
    ),
    ("forget", {"ids": []}, "ids: give 1 to 100,000."),
    ("forget", {"ids": ["x"], "tags": ["a"]}, "Give ids or a selection, not both."),
    ("forget", {"ids": ["x"]}, "No memory 'x'. Ids come from recall or remember."),
    ("forget", {"ids": ["x"], "mode": "burn"}, "mode: use archive, delete, erase or restore."),
    ("forget", {"ids": ["x"], "reason": "x" * 201}, "reason: at most 200 characters."),
    (
        "forget",
        {"tags": ["a"], "mode": "restore"},
        "mode: restore takes ids; those that the receipt of forget named.",
    ),
    ("forget", {"before": "soon"}, f"before: 'soon' {TIME}"),
]


async def test_a_refusal_says_what_to_do_and_keeps_nothing(connect: Connect, door: str) -> None:
    # Half a character cannot be sent by the SDK's client of HTTP.
    over_http = door in ("mcp", "sse")
    asked = [one for one in REFUSED if not (over_http and "\\ud800" in json.dumps(one[1]))]
    async with connect(namespace="home") as client:
        answers = [await said_by(client, tool, arguments) for tool, arguments, _ in asked]
        assert answers == [said for _, _, said in asked]
        kept = await client.call_tool("recall", {"query": "", "namespace": ""})
        assert kept.structured_content is not None
        assert kept.structured_content["considered"] == 0


async def said_by(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_an_unknown_tool_is_an_error_of_the_protocol(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("reminisce", {})
        assert caught.value.error.code == INVALID_PARAMS
        assert caught.value.error.message == "Unknown tool: reminisce"
