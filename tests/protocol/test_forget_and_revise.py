"""forget, restore and revise over MCP, and who confirms a selection."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
Action = Literal["accept", "decline", "cancel"]


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def keep(client: Client, content: str, **more: Any) -> str:
    answer = await ask(client, "remember", content=content, **more)
    return answer["memories"][0]["id"]


async def recalled(client: Client, **filters: Any) -> set[str]:
    answer = await ask(client, "recall", query="", limit=100, max_tokens=100_000, **filters)
    return {one["content"] for one in answer["recollections"]}


class User:
    """Answers what it is asked, and keeps what that was."""

    def __init__(self, action: Action, *, sure: bool = True) -> None:
        self.asked: list[str] = []
        self._answer = ElicitResult(
            action=action, content={"confirm": sure} if action == "accept" else None
        )

    async def __call__(self, context: object, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return self._answer


async def test_ids_are_forgotten_at_once_and_can_be_restored(connect: Connect) -> None:
    async with connect() as client:
        tea, coffee = await keep(client, "Tea."), await keep(client, "Coffee.")
        receipt = await ask(client, "forget", ids=[tea], reason="wrong")
        assert receipt.pop("restorable_until").endswith("Z")
        assert receipt == {"status": "done", "mode": "delete", "count": 1, "ids": [tea]}
        assert await recalled(client) == {"Coffee."}
        back = await ask(client, "forget", ids=[tea], mode="restore")
        assert back == {"status": "done", "mode": "restore", "count": 1, "ids": [tea]}
        assert await recalled(client) == {"Coffee.", "Tea."}
        assert coffee


async def test_archived_memories_are_in_the_cold_tier(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "Old tea.")
        receipt = await ask(client, "forget", ids=[name], mode="archive")
        assert receipt == {"status": "done", "mode": "archive", "count": 1, "ids": [name]}
        assert await recalled(client, tier="cold") == {"Old tea."}


async def test_erasing_is_proved_by_the_receipt(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "My number is 4711-0815.")
        receipt = await ask(client, "forget", ids=[name], mode="erase")
        assert receipt["residue"]["found"] == []
        assert receipt["residue"]["scanned"]
        assert "restorable_until" not in receipt
        refused = await client.call_tool("forget", {"ids": [name], "mode": "restore"})
        assert refused.is_error


async def test_an_unknown_id_leaves_all_others(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "Tea.")
        refused = await client.call_tool("forget", {"ids": [name, "m" + "0" * 12]})
        assert refused.is_error
        assert await recalled(client) == {"Tea."}


async def test_a_selection_needs_the_token_where_nobody_can_be_asked(connect: Connect) -> None:
    async with connect() as client:
        names = [await keep(client, f"Draft {n}.", tags=["draft"]) for n in range(12)]
        await keep(client, "Final.")
        first = await ask(client, "forget", tags=["draft"])
        token = first.pop("confirm")
        assert first == {"status": "confirm", "mode": "delete", "count": 12, "ids": names[:10]}
        # For another mode, or after a change, it stands for something else.
        other = await ask(client, "forget", tags=["draft"], mode="erase", confirm=token)
        assert other["status"] == "confirm"
        await keep(client, "Draft 13.", tags=["draft"])
        stale = await ask(client, "forget", tags=["draft"], confirm=token)
        assert (stale["status"], stale["count"]) == ("confirm", 13)
        assert len(await recalled(client)) == 14
        done = await ask(client, "forget", tags=["draft"], confirm=stale["confirm"])
        assert (done["status"], done["count"], len(done["ids"])) == ("done", 13, 13)
        assert await recalled(client) == {"Final."}


async def test_a_selection_is_confirmed_by_the_user_who_can_be_asked(connect: Connect) -> None:
    user = User("accept")
    async with connect(elicitation_callback=user) as client:
        await keep(client, "Draft one.", tags=["draft"])
        await keep(client, "Draft two.", tags=["draft"])
        await keep(client, "Final.")
        done = await ask(client, "forget", tags=["draft"])
        assert (done["status"], done["count"]) == ("done", 2)
        assert user.asked == ["delete 2 memories? The oldest: “Draft one.”"]
        assert await recalled(client) == {"Final."}


@pytest.mark.parametrize("user", [User("decline"), User("cancel"), User("accept", sure=False)])
async def test_what_the_user_declines_stays(connect: Connect, user: User) -> None:
    async with connect(elicitation_callback=user) as client:
        await keep(client, "Draft.", tags=["draft"])
        answer = await ask(client, "forget", tags=["draft"])
        assert answer == {"status": "declined", "mode": "delete", "count": 0}
        assert await recalled(client) == {"Draft."}


async def test_nothing_selected_is_nothing_to_confirm(connect: Connect) -> None:
    user = User("accept")
    async with connect(elicitation_callback=user) as client:
        answer = await ask(client, "forget", entity="Nobody", mode="erase")
        assert answer == {"status": "done", "mode": "erase", "count": 0, "ids": []}
        assert user.asked == []


async def test_every_criterion_selects(connect: Connect) -> None:
    async with connect() as client:
        await keep(client, "a", namespace="work", at="2026-01-01")
        await keep(client, "b", entities=["Ada"], at="2026-01-02")
        await keep(client, "c", session="s", at="2026-01-03")

        async def count(**selection: str) -> int:
            return (await ask(client, "forget", **selection))["count"]

        assert await count(namespace="work") == 1
        assert await count(entity="ada") == 1
        assert await count(session="s") == 1
        assert await count(before="2026-01-02") == 1
        assert await count(before="2026-01-02T23:00:00Z") == 2
        assert await count(before="2026-01-04", session="s") == 1


async def test_a_selection_stays_within_the_callers_namespace(connect: Connect) -> None:
    async with connect(namespace="home") as client:
        await keep(client, "Kitchen.", tags=["x"])
        await keep(client, "Office.", tags=["x"], namespace="work")
        assert (await ask(client, "forget", tags=["x"]))["count"] == 1
        assert (await ask(client, "forget", tags=["x"], namespace="work"))["count"] == 1


async def test_a_long_receipt_counts_instead_of_listing(connect: Connect) -> None:
    async with connect() as client:
        for start in (0, 100):
            batch = [f"Note {start + n}." for n in range(75)]
            await ask(client, "remember", content=batch, session="s")
        first = await ask(client, "forget", session="s")
        done = await ask(client, "forget", session="s", confirm=first["confirm"])
        assert done["count"] == 150
        assert "ids" not in done


async def test_revising_makes_a_new_version(connect: Connect) -> None:
    async with connect() as client:
        name = await keep(client, "Ada likes tea.", tags=["drink"], speaker="Bob", at="2026-05-01")
        shown = await ask(
            client,
            "revise",
            id=name,
            content="Ada likes coffee.",
            kind="episodic",
            tags=["drink", "hot"],
            importance=0,
            pinned=True,
            valid_until="2030-12-31",
            metadata={"page": 3},
        )
        assert shown.pop("recorded_at").endswith("Z")
        assert shown.pop("agent")
        assert shown == {
            "id": name,
            "version": 2,
            "content": "Ada likes coffee.",
            "kind": "episodic",
            "tier": shown["tier"],
            "when": "2026-05-01T00:00:00Z",
            "source": "agent",
            "importance": 0,
            "speaker": "Bob",
            "tags": ["drink", "hot"],
            "pinned": True,
            "metadata": {"page": 3},
            "valid_until": "2030-12-31T23:59:59Z",
        }
        assert await recalled(client) == {"Ada likes coffee."}
