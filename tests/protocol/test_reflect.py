"""reflect over the protocol: a dry run, progress, what was done, and taking it back."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]


async def call(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("reflect", arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == result.structured_content
    return result.structured_content


async def test_a_cycle_is_shown_before_it_is_made_and_can_be_taken_back(connect: Connect) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"content": ["Ada likes tea", "ada likes tea"]})
        planned = await call(client, dry_run=True)
        assert (planned["cycle"], planned["changes"], planned["looked"]) == (None, 1, 2)
        done = await call(client)
        assert done["cycle"] == 1
        assert done["merged"] == planned["merged"]
        assert (await call(client))["changes"] == 0
        undone = await call(client, undo=True)
        assert set(undone["undone"]) == {done["merged"][0]["into"], *done["merged"][0]["ids"]}
        assert (await call(client, undo=True))["cycle"] is None


async def test_it_reports_progress(connect: Connect) -> None:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message
        seen.append(progress / (total or 1))

    async with connect() as client:
        await client.call_tool("remember", {"content": ["Tea", "tea"]})
        await client.call_tool("reflect", {}, progress_callback=note)
    assert seen == sorted(seen)
    assert seen


async def test_undo_stands_alone(connect: Connect) -> None:
    async with connect() as client:
        refused = await client.call_tool("reflect", {"undo": True, "dry_run": True})
        assert refused.is_error
        assert (await call(client, undo=True))["cycle"] is None
