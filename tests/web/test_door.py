"""The network door: whom it lets in without a credential, what it turns away, and when streams end."""

import json
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.types import EmptyResult, SubscribeRequest, SubscribeRequestParams
from support.sites import Bearer, jwt_settings, mint, open_web, over_http, result_of, serving
from support.told import Told

from loci.server.errors import SettingsError

pytestmark = pytest.mark.anyio


async def test_without_credentials_this_machine_is_served_as_the_local_tenant(
    tmp_path: Path,
) -> None:
    async with open_web(tmp_path, tenant="me") as web:
        await web.call("remember", content="It is open.")
        stored = await web.app.administration.tenants()
        assert [(one.name, one.memories) for one in stored] == [("me", 1)]
        for name in ("x-forwarded-for", "forwarded", "via"):
            assert (await web.ask("tools/list", headers={name: "a"})).status_code == 401
        assert (await web.ask("tools/list", token="nonsense")).status_code == 401


async def test_the_first_token_closes_the_door_and_nothing_opens_it_again(tmp_path: Path) -> None:
    async with open_web(tmp_path) as web:
        assert (await web.ask("tools/list")).status_code == 200
        issued = await web.token("ada")
        assert (await web.ask("tools/list")).status_code == 401
        await web.app.administration.revoke_token(issued.token.id)
        assert (await web.ask("tools/list")).status_code == 401
        await web.app.administration.erase_tenant("ada")
        assert (await web.ask("tools/list")).status_code == 401
    async with open_web(tmp_path) as web:
        assert (await web.ask("tools/list")).status_code == 401


async def test_another_machine_is_not_served_without_a_credential(tmp_path: Path) -> None:
    async with open_web(tmp_path) as web:
        transport = web.client._transport  # pyright: ignore[reportPrivateUsage]
        assert isinstance(transport, httpx2.ASGITransport)
        transport.client = ("192.0.2.7", 4711)
        assert (await web.ask("tools/list")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Host": "127.0.0.1.evil.example.com"}, 421),
        ({"Host": "localhost:8765"}, 200),
        ({"Host": "memory.example.com"}, 200),
        ({"Host": "memory.example.com:443"}, 200),
        ({"Host": "inner:80"}, 200),
        ({"Host": "inner"}, 421),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://chat.example.com"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Content-Length": "99999999"}, 413),
    ],
    ids=str,
)
async def test_what_is_turned_away(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    more = {"allowed_hosts": "inner:80", "allowed_origins": "https://chat.example.com"}
    async with open_web(tmp_path, **jwt_settings(tmp_path), **more) as web:
        answer = await web.ask("tools/list", token=mint(), headers=headers)
        assert answer.status_code == status
        assert answer.headers["x-request-id"]
        for probe in ("/healthz", "/readyz"):
            answer = await web.client.get(probe, headers=headers)
            assert answer.status_code == 200


async def test_space_around_a_header_is_no_part_of_it(tmp_path: Path) -> None:
    asked = {"name": "remember", "arguments": {"content": "It came with room to spare."}}
    padded = {"Mcp-Name": "  remember\t", "Mcp-Method": " tools/call "}
    async with open_web(tmp_path) as web:
        answer = await web.ask("tools/call", asked, headers=padded)
        assert answer.status_code == 200, answer.text


async def test_ready_says_what_is_in_use(tmp_path: Path) -> None:
    async with open_web(tmp_path) as web:
        told = (await web.client.get("/readyz")).json()
        assert told["ready"] is True
        assert told["canary"].startswith("written, recalled and erased in")
        assert told["embedder"].startswith("hash/")
        assert told["index"] == "none"


async def test_sse_can_be_switched_off(tmp_path: Path) -> None:
    async with open_web(tmp_path, sse=False) as web:
        assert (await web.client.get("/sse")).status_code == 404
        assert (await web.client.post("/messages/")).status_code == 404


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tls_key": Path("/k.pem")}, "tls_cert"),
        ({"jwt_issuer": "https://login.example.com"}, "set both"),
        ({"jwt_keys": "/k.pem", "jwt_issuer": "x"}, "whom are the tokens for"),
        ({"jwt_keys": "/k.pem", "jwt_issuer": "x", "jwt_audience": "y"}, "cannot be read"),
    ],
    ids=str,
)
async def test_settings_that_do_not_go_together_are_refused(
    tmp_path: Path, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        async with open_web(tmp_path, **settings):
            raise NotImplementedError


async def test_a_session_is_its_tenants_alone(tmp_path: Path) -> None:
    """A session of 2025-11-25 is no credential: another tenant's token does not find it."""
    async with open_web(tmp_path, **jwt_settings(tmp_path)) as web:
        hello = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        }
        base = {"Accept": "application/json, text/event-stream"}
        mine = {**base, "Authorization": f"Bearer {mint('ada')}"}
        opened = await web.client.post("/mcp", json=hello, headers=mine)
        assert result_of(opened)["protocolVersion"] == "2025-11-25"
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        for token, status in ((mint("ada"), 200), (mint("bob"), 404)):
            theirs = {**base, **session, "Authorization": f"Bearer {token}"}
            answer = await web.client.post("/mcp", json=listing, headers=theirs)
            assert answer.status_code == status
        assert (
            await web.client.post("/mcp", json=listing, headers={**base, **session})
        ).status_code == 401


@pytest.mark.parametrize("way", ["mcp", "sse"])
async def test_a_scope_that_a_token_lacks_is_not_lent_by_the_one_that_opened_the_session(
    tmp_path: Path, way: str
) -> None:
    """The session was opened with more; each call has what its own token has."""
    async with open_web(tmp_path, **jwt_settings(tmp_path)) as web:
        with anyio.fail_after(30):
            async with serving(web) as url:
                credential = Bearer(mint("ada"))
                async with Client(over_http(url, way, credential), mode="legacy") as client:
                    done = await client.call_tool("remember", {"content": f"By {way}."})
                    assert not done.is_error
                    credential.token = mint("ada", "memory:read")
                    with pytest.raises(MCPError, match="memory:write"):
                        await client.call_tool("remember", {"content": "No more."})


@pytest.mark.parametrize("way", ["mcp", "sse"])
async def test_changes_are_told_over_http_and_a_revoked_token_hears_no_more(
    tmp_path: Path, way: str
) -> None:
    told = Told()
    async with open_web(tmp_path) as web:
        issued = await web.token("ada")
        other = (await web.token("ada")).secret
        with anyio.fail_after(30):
            async with serving(web) as url:
                streams = over_http(url, way, Bearer(issued.secret))
                async with Client(streams, mode="legacy", message_handler=told) as client:
                    request = SubscribeRequest(
                        params=SubscribeRequestParams(uri="memory://tiers/warm")
                    )
                    await client.session.send_request(request, EmptyResult)
                    await told.until_open(web)
                    await web.call("remember", content="One.", token=other)
                    assert await told.until(1) == {"memory://tiers/warm"}
                    assert len(web.site.streams) == 1
                    await web.app.administration.revoke_token(issued.token.id)
                    while len(web.site.streams):
                        await anyio.lowlevel.checkpoint()


async def test_a_listening_stream_ends_when_its_token_does(tmp_path: Path) -> None:
    listening = {"notifications": {"resourceSubscriptions": ["memory://tiers/hot"]}}
    async with open_web(tmp_path) as web:
        issued = await web.token("ada")
        ended: list[str] = []

        async def listen() -> None:
            answer = await web.ask("subscriptions/listen", listening, token=issued.secret)
            ended.append(answer.text)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                while not len(web.site.streams):
                    await anyio.lowlevel.checkpoint()
                await anyio.wait_all_tasks_blocked()
                await web.app.administration.revoke_token(issued.token.id)
        assert "acknowledged" in ended[0]
        short = await web.token("ada", days=0.5 / 86400)
        with anyio.fail_after(10):
            answer = await web.ask("subscriptions/listen", listening, token=short.secret)
        assert answer.status_code in (200, 503)


async def test_the_audit_names_who_did_what_and_holds_no_content(tmp_path: Path) -> None:
    async with open_web(tmp_path, audit=True, **jwt_settings(tmp_path)) as web:
        stored = await web.call("remember", content="A secret statement.", token=mint("ada"))
        name = stored["memories"][0]["id"]
        await web.call("forget", ids=[name], mode="erase", token=mint("ada"))
        await web.call("remember", content="Bob's.", token=mint("bob"))
        headers = {"Authorization": f"Bearer {mint('ada')}"}
        text = (await web.client.get("/audit", headers=headers)).text
        entries = [json.loads(line) for line in text.splitlines()]
        assert [(one["action"], one["ids"]) for one in entries] == [
            ("remember", [name]),
            ("erase", [name]),
        ]
        assert {one["credential"] for one in entries} == {"jwt agent user"}
        assert "secret statement" not in text
        beyond = await web.client.get(f"/audit?after={entries[0]['number']}", headers=headers)
        assert len(beyond.text.splitlines()) == 1
        assert (await web.client.get("/audit?after=x", headers=headers)).status_code == 400


async def test_without_an_authorization_server_none_is_named(tmp_path: Path) -> None:
    async with open_web(tmp_path) as web:
        assert (await web.client.get("/.well-known/oauth-protected-resource")).status_code == 404
