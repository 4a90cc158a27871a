"""A scratchpad's session over HTTP is over when the connection that wrote it is, however that ends."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from support.sites import Bearer, Web, open_web, over_http, serving

from loci.server.access import Caller, as_caller
from loci.server.engine import Memories
from loci.server.model import Change

pytestmark = pytest.mark.anyio

WORTH = "Decided with Mara: loci_core runs on port 9090, because 8080 is taken."


def note(session: str) -> dict[str, str]:
    return {"session": session, "section": "observation", "content": f"{WORTH} ({session})"}


async def memories_of(web: Web, tenant: str = "ada") -> Memories:
    with as_caller(Caller(tenant=tenant)):
        return await web.app.memories()


async def occasions(memories: Memories, session: str) -> list[str | None]:
    """When each note of a session was decided on; None: not yet."""
    notes = (await memories.pad(session)).notes
    return [None if one.decision is None else one.decision.occasion for one in notes]


class Changes:
    """Waits for what is announced."""

    def __init__(self, web: Web) -> None:
        self._changed = anyio.Event()
        web.app.on_change(self._heard)

    async def until_promoted(self, memories: Memories, session: str) -> None:
        while await occasions(memories, session) != ["ended"]:
            await self._changed.wait()
            self._changed = anyio.Event()

    async def _heard(self, _: Change) -> None:
        self._changed.set()


@asynccontextmanager
async def client(url: str, way: str, token: str) -> AsyncGenerator[Client]:
    """One of the era of handshakes."""
    async with Client(over_http(url, way, Bearer(token)), mode="legacy") as one:
        yield one


async def written(one: Client, session: str) -> None:
    result: Any = await one.call_tool("scratchpad_write", note(session))
    assert not result.is_error, result


@pytest.mark.parametrize("way", ["mcp", "sse"])
async def test_a_session_is_over_when_its_connection_closes(tmp_path: Path, way: str) -> None:
    async with open_web(tmp_path) as web:
        token = (await web.token("ada")).secret
        memories, changes = await memories_of(web), Changes(web)
        with anyio.fail_after(30):
            async with serving(web) as url, client(url, way, token) as stays:
                await written(stays, "of the one that stays")
                async with client(url, way, token) as goes:
                    await written(goes, "first")
                    await written(goes, "second")
                    assert await occasions(memories, "first") == [None]
                await changes.until_promoted(memories, "first")
                await changes.until_promoted(memories, "second")
                assert await occasions(memories, "of the one that stays") == [None]
                await written(stays, "of the one that stays")  # it still can


async def test_a_request_of_its_own_ends_no_session(tmp_path: Path) -> None:
    """In the newer era each request is a connection."""
    async with open_web(tmp_path) as web:
        await web.call("scratchpad_write", **note("monday"))
        await web.call("scratchpad_write", **note("tuesday"))
        memories = await memories_of(web, "local")
        await memories.tidy()
        assert await occasions(memories, "monday") == await occasions(memories, "tuesday") == [None]


async def test_a_connection_that_outlives_its_tenant_leaves_nothing(tmp_path: Path) -> None:
    async with open_web(tmp_path) as web:
        token = (await web.token("ada")).secret
        with anyio.fail_after(30):
            async with serving(web) as url, client(url, "sse", token) as one:
                await written(one, "monday")
                await web.app.administration.erase_tenant("ada")
                while len(web.site.streams):
                    await anyio.lowlevel.checkpoint()
        assert "ada" not in [one.name for one in await web.app.administration.tenants()]
