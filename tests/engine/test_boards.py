"""Boards: versions, compare-and-swap, operations, expiry, history, rights, privacy, retries."""

from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.boards import as_agent, cells_of, open_boards, values, write
from support.engines import Clock

from loci.server.errors import InvalidInput, NotAllowed, NotFound, Stale
from loci.server.model import RIGHTS, Actor, BoardQuery, CellWrite, Op, utc_now
from loci.server.workspace.board_ops import merge_patch

pytestmark = pytest.mark.anyio

SECOND = 1 / 86_400


async def test_each_write_makes_the_next_version_of_its_board(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        assert [await write(ann, key, key) for key in ("a", "b", "a")] == [1, 2, 3]
        await ann.write("other", CellWrite(key="a", value=1))
        assert await cells_of(ann) == [("b", "b", 2), ("a", "a", 3)]
        page = await ann.read("other", BoardQuery())
        assert (page.version, page.cells[0].by) == (1, "ann")
        assert (await ann.read("nothing", BoardQuery())).version == 0


async def test_a_reader_asks_what_changed_since(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        for key in "abc":
            await write(ann, key, key)
        await write(ann, "b", op="delete")
        assert await cells_of(ann, since_version=2) == [("c", "c", 3), ("b", "delete", 4)]
        assert await cells_of(ann) == [("a", "a", 1), ("c", "c", 3)]
        assert await cells_of(ann, since_version=4) == []
        assert await cells_of(ann, key="b", since_version=1) == [("b", "delete", 4)]


async def test_what_does_not_fit_is_read_on_from_its_version(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        for number in range(25):
            await write(ann, f"k{number}", "word " * 20)
        await write(ann, "long", "word " * 3000)
        seen: list[str] = []
        since, pages = 0, 0
        while True:
            page = await ann.read("plan", BoardQuery(since_version=since, max_tokens=300))
            assert page.tokens <= 300
            seen += [cell.key for cell in page.cells]
            since, pages = page.version, pages + 1
            if not page.more:
                break
        assert seen == [*(f"k{n}" for n in range(25)), "long"]
        assert pages > 5
        assert page.hidden == {26: 3002}


async def test_a_write_with_a_version_is_refused_when_the_cell_is_at_another(
    tmp_path: Path,
) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        assert await write(ann, "a", 1, if_version=0) == 1
        assert await write(ann, "a", 2, if_version=1) == 2
        for stale in (0, 1, 3):
            with pytest.raises(Stale, match="it is at version 2") as caught:
                await write(ann, "a", 3, if_version=stale)
            assert caught.value.current is not None
            assert caught.value.current["value"] == 2
        with pytest.raises(Stale, match="it is not there now"):
            await write(ann, "new", 3, if_version=2)
        gone = await write(ann, "a", op="delete", if_version=2)
        with pytest.raises(Stale):
            await write(ann, "a", 4, if_version=2)
        assert await write(ann, "a", 4, if_version=gone) == gone + 1
        await write(ann, "a", op="delete")
        assert await write(ann, "a", 5, if_version=0) == gone + 3
        assert await values(ann) == {"a": 5}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_is_a_json_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


async def test_what_each_operation_makes_of_a_cell(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        for value in (1, "two", {"three": 3}):
            await write(ann, "list", value, op="append")
        await write(ann, "text", "one")
        await write(ann, "text", " two", op="append")
        await write(ann, "object", {"a": 1}, op="merge")
        await write(ann, "object", {"b": 2, "a": None}, op="merge")
        await write(ann, "null", None)
        assert await values(ann) == {
            "list": [1, "two", {"three": 3}],
            "text": "one two",
            "object": {"b": 2},
            "null": None,
        }
        with pytest.raises(InvalidInput, match="append: the cell holds no list"):
            await write(ann, "object", 1, op="append")
        with pytest.raises(NotFound, match="There is no cell 'nothing' on plan"):
            await write(ann, "nothing", op="delete")


async def test_a_cell_ends_when_its_time_is_up(tmp_path: Path) -> None:
    clock = Clock()
    async with open_boards(tmp_path, clock=clock) as memories:
        ann = as_agent(memories)
        await write(ann, "lease", "ann", ttl=30)
        await write(ann, "other", 1, ttl=60)
        await write(ann, "stays", 1)
        clock.pass_days(29 * SECOND)
        assert await write(ann, "lease", {"renewed": True}, op="merge", ttl=30) == 4
        clock.pass_days(29 * SECOND)
        assert set(await values(ann)) == {"lease", "other", "stays"}
        clock.pass_days(2 * SECOND)
        assert await cells_of(ann, since_version=4) == [
            ("lease", "expire", 5),
            ("other", "expire", 6),
        ]
        assert await values(ann) == {"stays": 1}
        assert await write(ann, "lease", "bob", if_version=0, ttl=30) == 7
        assert await write(ann, "lease", [1], ttl=5) == 8
        assert await write(ann, "lease", 2, op="append") == 9
        clock.pass_days(6 * SECOND)
        # The write itself comes upon the end.
        with pytest.raises(Stale, match="it is not there now"):
            await write(ann, "lease", 3, op="append", if_version=9)
        assert await write(ann, "lease", "for good") == 11
        history = await cells_of(ann, key="lease", history=True)
        assert history[:2] == [("lease", "for good", 11), ("lease", "expire", 10)]


async def test_an_end_is_told_to_who_waits_for_it(tmp_path: Path) -> None:
    async with open_boards(tmp_path, clock=RealClock()) as memories:
        ann = as_agent(memories)
        await write(ann, "lease", "bob", ttl=0.3)
        with anyio.fail_after(10):
            assert await cells_of(ann, since_version=1, wait=9) == [("lease", "expire", 2)]


class RealClock(Clock):
    """The time as it is."""

    def __call__(self) -> datetime:
        return utc_now()


async def test_a_history_is_bounded_and_newest_first(tmp_path: Path) -> None:
    async with open_boards(tmp_path, history=3) as memories:
        ann, bob = as_agent(memories), as_agent(memories, "bob")
        for number in range(5):
            await write(ann if number % 2 else bob, "a", number)
        await write(ann, "b", "one")
        assert await cells_of(ann, key="a", history=True) == [("a", 4, 5), ("a", 3, 4), ("a", 2, 3)]
        page = await ann.read("plan", BoardQuery(key="a", history=True))
        assert [cell.by for cell in page.cells] == ["bob", "ann", "bob"]
        await write(ann, "a", op="delete")
        assert await cells_of(ann, key="a", history=True) == [
            ("a", "delete", 7),
            ("a", 4, 5),
            ("a", 3, 4),
        ]


async def test_old_deletions_are_forgotten_and_who_missed_them_is_told(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        await write(ann, "stays", 1)
        async with anyio.create_task_group() as tasks:
            for number in range(1400):
                tasks.start_soon(_come_and_go, ann, f"k{number}")
        page = await ann.read("plan", BoardQuery(since_version=1, max_tokens=100_000))
        assert page.anew
        assert [cell.key for cell in page.cells] == ["stays"]
        later = await ann.read("plan", BoardQuery(since_version=page.version))
        assert (later.anew, later.cells) == (False, ())
        beyond = await ann.read("plan", BoardQuery(since_version=page.version + 1))
        assert beyond.anew


async def _come_and_go(boards: Any, key: str) -> None:
    await write(boards, key, 1)
    await write(boards, key, op="delete")


async def test_a_private_board_is_its_agents_alone(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann, bob, nobody = as_agent(memories), as_agent(memories, "bob"), as_agent(memories, None)
        await write(ann, "a", "ann's", private=True)
        await write(bob, "a", "everybody's")
        assert await values(ann, private=True) == {"a": "ann's"}
        assert await values(bob, private=True) == {}
        assert await values(ann) == await values(bob) == {"a": "everybody's"}
        assert [(b.name, b.private) for b in await ann.all()] == [("plan", False), ("plan", True)]
        assert [(b.name, b.private) for b in await bob.all()] == [("plan", False)]
        assert (await ann.read("~plan", BoardQuery())).private
        assert await ann.complete("") == ["plan", "~plan"]
        assert await bob.complete("~") == []
        with pytest.raises(InvalidInput, match="nobody knows which agent you are"):
            await values(nobody, private=True)
        with pytest.raises(NotFound):
            await bob.versions("plan", "a", private=True)


async def test_rights_say_who_may_write(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann, bob, eve = (as_agent(memories, name) for name in ("ann", "bob", "eve"))
        auditor = as_agent(memories, "eve", "board:audit")
        await write(ann, "a", 1)
        with pytest.raises(NotAllowed, match="only ann, who made the board"):
            await write(bob, RIGHTS, {"agents": ["bob"]})
        await write(ann, RIGHTS, {"agents": ["bob"], "scopes": ["board:audit"]})
        await write(bob, "a", 2)
        await write(auditor, "a", 3)
        await write(ann, "a", 4)
        for key in ("a", RIGHTS):
            with pytest.raises(NotAllowed, match="you may read this board and not write"):
                await write(eve, key, 5)
        assert (await values(eve))["a"] == 4
        shell = memories.boards(Actor(operator=True))
        await write(shell, RIGHTS, op="delete")
        await write(eve, "a", 6)
        wrongs: list[Any] = [[], {}, {"agents": "bob"}, {"agents": [1]}, {"readers": []}]
        for wrong in wrongs:
            with pytest.raises(InvalidInput, match="@rights: set"):
                await write(ann, RIGHTS, wrong)


async def test_a_repeated_call_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with open_boards(tmp_path, clock=clock, history=2) as memories:
        ann, bob = as_agent(memories), as_agent(memories, "bob")
        call = CellWrite(key="a", value=1, op=Op.APPEND, if_version=0, request="one")
        first = await ann.write("plan", call)
        again = await ann.write("plan", call)
        assert (again.repeated, again.cell) == (True, first.cell)
        assert await values(ann) == {"a": [1]}
        with pytest.raises(InvalidInput, match="another write was made under it"):
            await ann.write("plan", CellWrite(key="a", value=2, request="one"))
        await bob.write("plan", CellWrite(key="b", value=2, request="one"))
        for number in range(3):
            await write(bob, "a", number)
        late = await ann.write("plan", call)
        assert (late.repeated, late.cell.kept, late.cell.version) == (True, False, 1)
        # Side by side, and so in one commit.
        call = CellWrite(key="c", value=1, op=Op.APPEND, request="two")
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ann.write, "plan", call)
        assert (await values(ann))["c"] == [1]
        clock.pass_days(1.1)
        await ann.write("plan", CellWrite(key="d", value=1, request="three"))
        assert (await ann.write("plan", call)).repeated is False


async def test_what_was_refused_may_succeed_under_its_key_later(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        await write(ann, "a", 1)
        call = CellWrite(key="a", value=2, if_version=2, request="one")
        with pytest.raises(Stale):
            await ann.write("plan", call)
        await write(ann, "a", 1)
        assert (await ann.write("plan", call)).cell.version == 3


async def test_a_refusal_does_not_disturb_those_beside_it(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        outcomes: list[bool] = []

        async def compete(number: int) -> None:
            try:
                await write(ann, "a", number, if_version=0)
                outcomes.append(True)
            except Stale:
                outcomes.append(False)

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(compete, number)
                tasks.start_soon(write, ann, f"own {number}", number)
        assert sorted(outcomes) == [False] * 19 + [True]
        versions = [version for _, _, version in await cells_of(ann)]
        assert versions == list(range(1, 22))


async def test_handles_of_caches_say_what_is_needed_to_find_them(tmp_path: Path) -> None:
    handle = {
        "kind": "kv_cache",
        "engine": "vllm",
        "model": "m",
        "prefix_hash": "ab12",
        "at": "gpu0",
    }
    clock = Clock()
    async with open_boards(tmp_path, clock=clock) as memories:
        ann, bob = as_agent(memories), as_agent(memories, "bob")
        await write(ann, "ab12", handle, ttl=60)
        assert await values(bob, key="ab12") == {"ab12": handle}
        with pytest.raises(InvalidInput, match="a kv_cache needs one"):
            await write(ann, "ab12", handle)
        with pytest.raises(InvalidInput, match="a kv_cache has engine, model, prefix_hash"):
            await write(ann, "ab12", {"prefix_hash": None}, op="merge")
        clock.pass_days(61 * SECOND)
        assert await values(bob, key="ab12") == {}


@pytest.mark.parametrize(
    ("write_", "said"),
    [
        ({"key": ""}, "key: give 1 to 200"),
        ({"key": "a\0"}, "key: give 1 to 200"),
        ({"key": "\ud800"}, "key: give 1 to 200"),
        ({"key": "@x"}, "key: those with @ are reserved"),
        ({"key": "a", "value": "x" * 100_000}, "a cell has at most 65,536"),
        ({"key": "a", "value": float("nan")}, "not finite"),
        ({"key": "a", "value": "\ud800"}, "half a character"),
        ({"key": "a", "op": Op.EXPIRE}, "op: use set"),
        ({"key": "a", "if_version": -1}, "if_version: give"),
        ({"key": "a", "ttl": 0}, "ttl: give seconds above 0"),
        ({"key": "a", "ttl": float("inf")}, "ttl: give seconds above 0"),
        ({"key": "a", "request": ""}, "idempotency_key: give"),
    ],
)
async def test_bad_writes_are_refused(tmp_path: Path, write_: Any, said: str) -> None:
    async with open_boards(tmp_path) as memories:
        with pytest.raises(InvalidInput, match=said):
            await as_agent(memories).write("plan", CellWrite(**write_))


async def test_what_is_nested_too_deep_or_grows_too_large_is_refused(tmp_path: Path) -> None:
    async with open_boards(tmp_path, value=1000) as memories:
        ann = as_agent(memories)
        deep: list[Any] = []
        for _ in range(5000):
            deep = [deep]
        with pytest.raises(InvalidInput, match="more than 64 deep"):
            await write(ann, "a", deep)
        await write(ann, "a", "x" * 600)
        with pytest.raises(InvalidInput, match="a cell has at most 1,000"):
            await write(ann, "a", "x" * 600, op="append")
        assert await values(ann) == {"a": "x" * 600}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"wait": 51, "since_version": 0}, "wait: give 0 to 50"),
        ({"wait": 1}, "wait: give since_version too"),
        ({"since_version": -1}, "since_version: give"),
        ({"history": True}, "history: give key"),
        ({"limit": 0}, "limit: give 1"),
        ({"max_tokens": 99}, "max_tokens: give 100"),
    ],
)
async def test_bad_reads_are_refused(tmp_path: Path, query: Any, said: str) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        with pytest.raises(InvalidInput, match=said):
            await ann.read("plan", BoardQuery(**query))
        for name in ("", "~", "a/b", "ä", "x" * 101):
            with pytest.raises(InvalidInput, match="board: use 1 to 100 letters"):
                await ann.read(name, BoardQuery())
