"""Boards and scratchpads over HTTP: whose they are, who may change them, and what the audit says of it."""

import json
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from support.sites import Web, jwt_settings, mint, open_web, result_of

from loci.server.errors import StoreError
from loci.server.model import Actor, CellWrite

pytestmark = pytest.mark.anyio

LONG = "The release waits for the review of the migration"


async def write(web: Web, token: str, key: str = "k", **more: Any) -> Any:
    return await web.call("blackboard_write", board="plan", key=key, token=token, **more)


async def refusal(web: Web, token: str, tool: str, **arguments: Any) -> str:
    """What a tool says that refuses."""
    answer = await web.ask("tools/call", {"name": tool, "arguments": arguments}, token=token)
    result = result_of(answer)
    assert result["isError"]
    return str(result["content"][0]["text"])


async def test_another_tenants_board_and_notes_look_like_none(tmp_path: Path) -> None:
    async with open_web(tmp_path, **jwt_settings(tmp_path)) as web:
        ada, bob = mint("ada"), mint("bob")
        await write(web, ada, value=LONG)
        note = {"session": "monday", "section": "observation", "content": LONG}
        await web.call("scratchpad_write", token=ada, **note)
        page = await web.call("blackboard_read", board="plan", token=bob)
        assert (page["version"], page["cells"]) == (0, [])
        assert (await web.call("scratchpad_read", session="monday", token=bob))["notes"] == []
        for uri in ("memory://boards", "memory://boards/plan", "memory://scratchpads/monday"):
            seen = [
                (await web.ask("resources/read", {"uri": uri}, token=t)).text for t in (ada, bob)
            ]
            assert "plan" in seen[0] or LONG in seen[0]
            assert LONG not in seen[1]
        for name in ("board", "key", "session"):
            asked = {
                "ref": {"type": "ref/resource", "uri": "memory://boards/{board}{?key}"},
                "argument": {"name": name, "value": ""},
                "context": {"arguments": {"board": "plan"}},
            }
            found = [
                result_of(await web.ask("completion/complete", asked, token=token))["completion"]
                for token in (ada, bob)
            ]
            assert found[0]["values"] != []
            assert found[1]["values"] == []
        await write(web, bob, value="Bob's own", if_version=0)
        (cell,) = (await web.call("blackboard_read", board="plan", token=ada))["cells"]
        assert cell["value"] == LONG


async def test_a_private_board_is_its_credentials_agents_and_no_name_opens_it(
    tmp_path: Path,
) -> None:
    async with open_web(tmp_path) as web:
        # The client calls itself `test`, as the agent of the one token is called.
        named = (await web.token("ada", agent="test")).secret
        nameless = (await web.token("ada")).secret
        await write(web, named, value="mine", private=True)
        said = await refusal(web, nameless, "blackboard_read", board="plan", private=True)
        assert "a credential that names an agent" in said
        uri = {"uri": "memory://boards/~plan"}
        assert "mine" not in (await web.ask("resources/read", uri, token=nameless)).text
        await write(web, named, key="@rights", value={"agents": ["test"]})
        said = await refusal(web, nameless, "blackboard_write", board="plan", key="k", value=1)
        assert "read this board and not write" in said
        assert (await write(web, named, value=1))["by"] == "test"


async def test_the_audit_names_what_was_done_to_boards_and_scratchpads(tmp_path: Path) -> None:
    async with open_web(tmp_path, audit=True, **jwt_settings(tmp_path)) as web:
        token = mint("ada")
        await write(web, token, value=[LONG], idempotency_key="once")
        await write(web, token, value=[LONG], idempotency_key="once")
        await write(web, token, value="more", op="append")
        await refusal(web, token, "blackboard_write", board="plan", key="k", value=1, if_version=7)
        cell = await write(web, token, op="promote", value="The plan is long.")
        note = {"session": "monday", "section": "example", "content": LONG}
        noted = await web.call("scratchpad_write", token=token, **note)
        done = await web.call("promote", session="monday", ids=[noted["id"]], token=token)
        headers = {"Authorization": f"Bearer {token}"}
        text = (await web.client.get("/audit", headers=headers)).text
        entries = [json.loads(line) for line in text.splitlines()]
        assert [(one["action"], one["ids"]) for one in entries] == [
            ("board set", ["plan/k"]),
            ("board append", ["plan/k"]),
            ("remember", [cell["memory"]]),
            ("board promote", [cell["memory"]]),
            ("note", [noted["id"]]),
            ("promote", [done["notes"][0]["memory"]]),
        ]
        assert {one["credential"] for one in entries} == {"jwt agent user"}
        assert LONG not in text


async def test_a_credential_in_a_note_is_masked_before_it_is_kept(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    async with open_web(tmp_path) as web:
        note = {"session": "monday", "section": "example", "content": f"Deploy with {secret}"}
        await web.call("scratchpad_write", **note)
        (kept,) = (await web.call("scratchpad_read", session="monday"))["notes"]
        assert kept["content"] == "Deploy with [masked: GitHub token]"
    assert secret.encode() not in await anyio.Path(tmp_path / "ledger.db").read_bytes()


async def test_a_tenants_boards_and_notes_go_with_it(tmp_path: Path) -> None:
    async with open_web(tmp_path, audit=True) as web:
        ada, bob = (await web.token("ada")).secret, (await web.token("bob")).secret
        note = {"session": "monday", "section": "observation", "content": f"{LONG}, notes Ada"}
        for token in (ada, bob):
            await write(web, token, value=f"{LONG}, writes {token[-6:]}", ttl=3600)
            await write(web, token, op="promote")
        await web.call("scratchpad_write", token=ada, **note)
        await web.call("promote", session="monday", token=ada)
        engine = web.app._engine  # pyright: ignore[reportPrivateUsage]
        assert engine is not None
        held = (await engine.for_tenant("ada")).boards(Actor(agent="late"))
        receipt = await web.app.administration.erase_tenant("ada")
        assert receipt.residue.found == ()
        with pytest.raises(StoreError, match="erased meanwhile"):
            await held.write("late", CellWrite(key="k", value=1))
        assert len((await web.call("blackboard_read", board="plan", token=bob))["cells"]) == 1
    content = await anyio.Path(tmp_path / "ledger.db").read_bytes()
    assert f"writes {ada[-6:]}".encode() not in content
    assert b"notes Ada" not in content
    assert f"writes {bob[-6:]}".encode() in content


async def test_who_waits_for_a_board_takes_no_share_of_the_work(tmp_path: Path) -> None:
    async with open_web(tmp_path, concurrency=1, streams=1) as web:
        heard: list[Any] = []
        waiting: dict[str, Any] = {"board": "plan", "since_version": 0, "wait": 30}

        async def wait() -> None:
            heard.append(await web.call("blackboard_read", **waiting))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                while web.site.limiter.under_way() != (0, 1):
                    await anyio.lowlevel.checkpoint()
                params = {"name": "blackboard_read", "arguments": waiting}
                assert "open streams" in (await web.ask("tools/call", params)).text
                await write(web, "", value=1)
        assert heard[0]["version"] == 1
