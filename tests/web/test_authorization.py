"""Who may ask what: every way to ask against every kind of credential. One table."""

import base64
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from support.sites import Web, jwt_settings, mint, open_web, private_key, public_pem

from loci.server.model import new_memory_id

pytestmark = pytest.mark.anyio

READ, WRITE, ADMIN = "memory:read", "memory:write", "memory:admin"
BOARD_READ, BOARD_WRITE = "board:read", "board:write"
EVERYTHING = f"{READ} {WRITE} {ADMIN} {BOARD_READ} {BOARD_WRITE}"
ABSENT = new_memory_id()


class Way(NamedTuple):
    """A way to ask, and the scopes that it needs."""

    method: str
    params: Mapping[str, Any]
    needs: str
    by_argument: str = ""
    """Those of them that only an argument asks for: HTTP's headers do not tell."""


def tool(name: str, needs: str, **arguments: Any) -> Way:
    return Way("tools/call", {"name": name, "arguments": arguments}, needs)


def resource(uri: str, needs: str) -> Way:
    return Way("resources/read", {"uri": uri}, needs)


def listening(*uris: str, needs: str) -> Way:
    return Way("subscriptions/listen", {"notifications": {"resourceSubscriptions": [*uris]}}, needs)


def completing(argument: str, needs: str) -> Way:
    template = {"type": "ref/resource", "uri": "memory://memories/{id}"}
    return Way(
        "completion/complete", {"ref": template, "argument": {"name": argument, "value": ""}}, needs
    )


WAYS = {
    "remember": tool("remember", WRITE, content="A statement."),
    "recall": tool("recall", READ, query="statement"),
    "forget": tool("forget", WRITE, ids=[ABSENT]),
    "erase": tool("forget", WRITE, ids=[ABSENT], mode="erase"),
    "revise": tool("revise", f"{READ} {WRITE}", id=ABSENT, pinned=True),
    "read a board": tool("blackboard_read", BOARD_READ, board="plan"),
    "write to a board": tool(
        "blackboard_write", f"{BOARD_READ} {BOARD_WRITE}", board="plan", key="k", value=1
    ),
    "promote a cell": tool(
        "blackboard_write",
        f"{BOARD_READ} {BOARD_WRITE} {WRITE}",
        board="plan",
        key="k",
        op="promote",
        value="It is planned.",
    )._replace(by_argument=WRITE),
    "note": tool("scratchpad_write", WRITE, session="s", section="observation", content="A note."),
    "read notes": tool("scratchpad_read", READ, session="s"),
    "promote notes": tool("promote", f"{READ} {WRITE}", session="s"),
    "hot": resource("memory://tiers/hot", READ),
    "warm": resource("memory://tiers/warm?limit=5", READ),
    "cold": resource("memory://tiers/cold", READ),
    "a memory": resource(f"memory://memories/{ABSENT}", READ),
    "its history": resource(f"memory://memories/{ABSENT}/history", READ),
    "status": resource("memory://status", READ),
    "boards": resource("memory://boards", BOARD_READ),
    "a board": resource("memory://boards/plan", BOARD_READ),
    "a cell": resource("memory://boards/plan?key=k", BOARD_READ),
    "a scratchpad": resource("memory://scratchpads/s", READ),
    "nothing of ours": resource("memory://elsewhere", f"{READ} {BOARD_READ}"),
    "the skill": resource("skill://using-memory", ""),
    "listen to a memory": listening(f"memory://memories/{ABSENT}", needs=READ),
    "listen to a board": listening(
        "memory://tiers/hot", "memory://boards/plan", needs=f"{READ} {BOARD_READ}"
    ),
    "complete a tag": completing("tag", READ),
    "complete a board": completing("board", BOARD_READ),
    "complete a key": completing("key", BOARD_READ),
    "complete a session": completing("session", READ),
    "list tools": Way("tools/list", {}, ""),
    "list resources": Way("resources/list", {}, ""),
    "list prompts": Way("prompts/list", {}, ""),
    "discover": Way("server/discover", {}, ""),
    "what there is not": Way("memory/dump", {}, EVERYTHING),
}


def unsigned() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    content = mint().split(".")[1]
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{content}."


def signed_with_the_public_key() -> str:
    """The classic confusion: an HMAC whose secret is the public key, which everybody knows."""
    import hashlib
    import hmac

    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    text = f"{head}.{mint().split('.')[1]}"
    digest = hmac.digest(public_pem(), text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def tampered() -> str:
    head, _, sign = mint("ada").split(".")
    return f"{head}.{mint('bob').split('.')[1]}.{sign}"


BAD = {
    "wrong audience": lambda: mint(aud="https://other.example.com/mcp"),
    "no audience": lambda: mint(aud=None),
    "wrong issuer": lambda: mint(iss="https://evil.example.com"),
    "expired": lambda: mint(lasts=-60),
    "never expires": lambda: mint(exp=None),
    "not yet valid": lambda: mint(nbf=4_000_000_000),
    "an algorithm that is not pinned": lambda: mint(algorithm="PS256"),
    "a secret": lambda: mint(key="s" * 32, algorithm="HS256"),
    "the public key as a secret": signed_with_the_public_key,
    "none": unsigned,
    "another's key": lambda: mint(key=private_key("theirs")),
    "another tenant's words": tampered,
    "no tenant": lambda: mint(None),
    "a tenant of Loci's own": lambda: mint("~canary"),
    "a tenant that is a list": lambda: mint(["ada"]),  # type: ignore[arg-type]
    "too long": lambda: mint(padding="x" * 10_000),
    "made up": lambda: "loci_0123456789abcdef_" + "A" * 43,
    "no token at all": lambda: "nonsense",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Web]:
    folder: Path = tmp_path_factory.mktemp("web")
    async with open_web(folder, burst=100_000, **jwt_settings(folder)) as web:
        yield web


def is_refused(answer: httpx2.Response, missing: set[str]) -> bool:
    """Whether a request was refused for want of just these scopes."""
    if answer.status_code == 403:
        said = answer.headers["www-authenticate"].partition('scope="')[2].partition('"')[0]
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        return set(said.split()) == missing
    error = answer.json().get("error", {})
    return error.get("code") == -32600 and set(error["data"]["scope"].split()) == missing


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_the_matrix(web: Web, way: Way) -> None:
    method, params, needs, _ = way
    needed = set(needs.split())
    own = await web.token()

    nobody = await web.ask(method, params)
    assert nobody.status_code == 401
    assert "error=" not in nobody.headers["www-authenticate"]
    for name, bad in BAD.items():
        answer = await web.ask(method, params, token=bad())
        assert answer.status_code == 401, name
        assert 'error="invalid_token"' in answer.headers["www-authenticate"], name
        assert "result" not in answer.json(), name
    for missing in sorted(needed):
        scopes = EVERYTHING.replace(missing, "").split()
        for token in (mint(scope=" ".join(scopes)), (await web.token("ada", *scopes)).secret):
            assert is_refused(await web.ask(method, params, token=token), {missing})
    assert needed <= {*EVERYTHING.split()}
    if needed:
        by_name = needed - {*way.by_argument.split()}
        assert is_refused(await web.ask(method, params, token=mint(scope="openid")), by_name)
    await web.app.administration.revoke_token(own.token.id)
    assert (await web.ask(method, params, token=own.secret)).status_code == 401
    if method != "subscriptions/listen":
        allowed = await web.ask(method, params, token=mint(scope=needs))
        assert allowed.status_code in (200, 400, 404)
        assert not is_refused(allowed, needed) if needed else True


async def test_an_expired_token_of_our_own_is_as_good_as_none(web: Web) -> None:
    issued = await web.token("ada", days=1e-9)
    assert (await web.ask("tools/list", token=issued.secret)).status_code == 401


async def test_the_secret_of_another_token_is_none_of_this_one(web: Web) -> None:
    one, other = (await web.token()).secret, (await web.token()).secret
    mixed = f"{one[:22]}{other[22:]}"
    assert (await web.ask("tools/list", token=mixed)).status_code == 401
    assert (await web.ask("tools/list", token=one)).status_code == 200


async def test_a_right_to_write_shows_nothing_of_what_is_there(web: Web) -> None:
    await web.call("remember", content="Ada hides the key under the mat", token=mint())
    token = mint(scope=WRITE)
    stored = await web.call("remember", content="Ada hides the key under the mat.", token=token)
    assert stored["memories"][0]["similar"] == []
    stored = await web.call("remember", content="Ada hides the key under the mat!", token=mint())
    assert stored["memories"][0]["similar"] != []


async def test_another_tenants_memory_looks_like_one_that_is_not_there(web: Web) -> None:
    stored = await web.call("remember", content="Ada's own.", token=mint("ada"))
    name = stored["memories"][0]["id"]
    ways = [
        tool("forget", WRITE, ids=["ID"]),
        tool("revise", WRITE, id="ID", pinned=True),
        tool("remember", WRITE, content="x", supersedes=["ID"]),
        resource("memory://memories/ID", READ),
        resource("memory://memories/ID/history", READ),
    ]
    for method, params, *_ in ways:
        text = json.dumps(params)
        theirs = json.loads(text.replace("ID", name))
        absent = json.loads(text.replace("ID", ABSENT))
        one = await web.ask(method, theirs, token=mint("bob"))
        other = await web.ask(method, absent, token=mint("bob"))
        assert one.status_code == other.status_code
        shown, expected = one.json(), other.json()
        del shown["id"], expected["id"]
        assert json.dumps(shown).replace(name, ABSENT) == json.dumps(expected)


async def test_what_a_client_is_told_of_the_way_in(web: Web) -> None:
    refused = await web.ask("tools/list")
    said = refused.headers["www-authenticate"]
    place = "https://memory.example.com/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{place}"' in said
    assert 'scope="memory:read memory:write"' in said
    for path in (
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    ):
        metadata = (await web.client.get(path)).json()
        assert metadata["resource"] == "https://memory.example.com/mcp"
        assert metadata["authorization_servers"] == ["https://login.example.com"]
        assert metadata["scopes_supported"] == [READ, WRITE, ADMIN, BOARD_READ, BOARD_WRITE]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "bearer\t", "Bearer  "], ids=repr
)
async def test_what_is_no_bearer_token_lets_nobody_in(web: Web, header: str) -> None:
    answer = await web.ask("tools/list", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_token_in_the_address_lets_nobody_in(web: Web) -> None:
    answer = await web.client.post(f"/mcp?access_token={mint()}", json={})
    assert answer.status_code == 401


async def test_the_audit_is_for_who_may_administer(web: Web) -> None:
    for token, status in ((None, 401), (mint(scope=f"{READ} {WRITE}"), 403), (mint("eve"), 200)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert (await web.client.get("/audit", headers=headers)).status_code == status
