"""Changes are told to those who watch what changed and whose it is, in both eras."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import Subscription
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from loci.server.access import Caller

pytestmark = pytest.mark.anyio

OverStreams = Callable[[Caller], AbstractAsyncContextManager[Any]]
SHARED = {"memory://tiers/hot", "memory://tiers/warm", "memory://tiers/cold", "memory://status"}


class Told:
    """What a client of the handshake era is told."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._more = anyio.Event()

    async def __call__(self, message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self._more.set()

    async def until(self, count: int) -> set[str]:
        while len(self.uris) < count:
            self._more = anyio.Event()
            await self._more.wait()
        return set(self.uris)


async def keep(client: Client, content: str) -> str:
    result = await client.call_tool("remember", {"content": content})
    assert result.structured_content is not None
    return result.structured_content["memories"][0]["id"]


async def watch(client: Client, uri: str) -> None:
    request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def leave(client: Client, uri: str) -> None:
    request = UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def heard(subscription: Subscription, count: int) -> list[str]:
    uris: list[str] = []
    async for event in subscription:
        assert isinstance(event, ResourceUpdated)
        uris.append(event.uri)
        if len(uris) == count:
            break
    return uris


def of(name: str) -> set[str]:
    return {f"memory://memories/{name}", f"memory://memories/{name}/history"}


async def test_a_modern_client_is_told_of_what_it_listens_to(over_streams: OverStreams) -> None:
    with anyio.fail_after(10):
        async with Client(over_streams(Caller(tenant="ada"))) as client:
            name = await keep(client, "Ada likes tea.")
            async with client.listen(resource_subscriptions=[*SHARED, *of(name)]) as subscription:
                await client.call_tool("revise", {"id": name, "pinned": True})
                assert set(await heard(subscription, 6)) == SHARED | of(name)


async def test_a_client_of_the_handshake_era_is_told_of_what_it_subscribed_to(
    over_streams: OverStreams,
) -> None:
    told = Told()
    streams = over_streams(Caller(tenant="ada"))
    with anyio.fail_after(10):
        async with Client(streams, mode="legacy", message_handler=told) as client:
            name = await keep(client, "Ada likes tea.")
            watched = SHARED | of(name)
            for uri in sorted(watched):
                await watch(client, uri)
            await client.call_tool("revise", {"id": name, "pinned": True})
            assert await told.until(6) == watched
            await leave(client, "memory://status")
            told.uris.clear()
            await client.call_tool("forget", {"ids": [name]})
            assert await told.until(5) == watched - {"memory://status"}


async def test_one_clients_write_is_told_to_another_of_the_same_tenant(
    over_streams: OverStreams,
) -> None:
    told = Told()
    caller = Caller(tenant="ada")
    with anyio.fail_after(10):
        async with (
            Client(over_streams(caller), mode="legacy", message_handler=told) as old,
            Client(over_streams(caller)) as new,
            new.listen(resource_subscriptions=["memory://status"]) as subscription,
        ):
            await watch(old, "memory://status")
            await keep(new, "Ada likes tea.")
            assert await told.until(1) == {"memory://status"}
            assert await heard(subscription, 1) == ["memory://status"]


async def test_another_tenant_is_told_nothing(over_streams: OverStreams) -> None:
    told = Told()
    with anyio.fail_after(10):
        async with (
            Client(over_streams(Caller(tenant="ada"))) as ada,
            Client(over_streams(Caller(tenant="bob")), mode="legacy", message_handler=told) as old,
            Client(over_streams(Caller(tenant="bob"))) as new,
        ):
            name = await keep(ada, "Ada's secret.")
            watched = [f"memory://memories/{name}", "memory://tiers/warm"]
            async with new.listen(resource_subscriptions=watched) as subscription:
                for uri in watched:
                    await watch(old, uri)
                await ada.call_tool("revise", {"id": name, "pinned": True})
                await keep(new, "Bob likes tea.")
                assert await heard(subscription, 1) == ["memory://tiers/warm"]
                await told.until(1)
                await old.list_tools()
                assert told.uris == ["memory://tiers/warm"]


async def test_a_connection_may_not_watch_without_end(over_streams: OverStreams) -> None:
    with anyio.fail_after(20):
        async with Client(over_streams(Caller(tenant="ada")), mode="legacy") as client:
            for number in range(1000):
                await watch(client, f"memory://memories/{number}")
            with pytest.raises(MCPError) as caught:
                await watch(client, "memory://status")
            assert caught.value.error.code == INVALID_PARAMS
