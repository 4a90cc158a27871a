"""forget and revise: gone means gone, and what was is readable until then."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from support.engines import START, Clock, ask, contents, keep, open_memories

from loci.server.embedding import shipped
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Draft, Filters, ForgetMode, Kind, Revision, Selection, Tier

pytestmark = pytest.mark.anyio

SECRET = "The vault's combination is zebra-umbrella-quokka seventeen."


async def test_deleted_memories_are_hidden_and_can_be_restored(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (cat, dog) = await keep(memories, "The cat is grey.", "The dog is brown.")
        receipt = await memories.forget([cat])
        assert (receipt.mode, receipt.ids) == (ForgetMode.DELETE, (cat,))
        assert receipt.restorable_until is not None
        assert receipt.restorable_until - clock.now == timedelta(days=30)
        assert await contents(memories) == ["The dog is brown."]
        assert await ask(memories, "cat grey") == []
        with pytest.raises(NotFound):
            await memories.get(cat)
        clock.pass_days(29)
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.restore([cat])
        assert await ask(memories, "cat grey") == ["The cat is grey."]
        assert (await memories.get(dog)).content == "The dog is brown."


async def test_forgetting_is_all_or_none(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (cat,) = await keep(memories, "The cat is grey.")
        for mode in ForgetMode:
            with pytest.raises(NotFound, match="No memory m000000000000"):
                await memories.forget([cat, "m000000000000"], mode)
        assert (await memories.get(cat)).tier is not Tier.COLD
        with pytest.raises(NotFound):
            await memories.restore([cat, "m000000000000"])


async def test_archived_memories_leave_the_hot_tier_and_come_back(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (pin,) = [one.id for one in await memories.remember([Draft(content="Pin.", pinned=True)])]
        await memories.forget([pin], ForgetMode.ARCHIVE)
        assert "Pin." not in (await memories.hot()).text
        assert [m.id for m in (await memories.page(Tier.COLD)).memories] == [pin]
        await memories.restore([pin])
        assert (await memories.page(Tier.COLD)).memories == ()


@pytest.mark.parametrize("real", [False, True], ids=["hash", "shipped"])
async def test_nothing_of_an_erased_memory_stays_in_any_file(tmp_path: Path, real: bool) -> None:
    embedder = shipped() if real else None
    async with open_memories(tmp_path, embedder=embedder) as memories:
        await keep(memories, *(f"Filler number {n} about nothing." for n in range(50)))
        (secret,) = [
            one.id
            for one in await memories.remember(
                [Draft(content=SECRET, tags=("hush",), session="s", metadata={"who": "me"})]
            )
        ]
        await memories.revise(secret, Revision(content=SECRET + " Changed in May."))
        receipt = await memories.forget([secret], ForgetMode.ERASE)
        assert receipt.ids == (secret,)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert set(receipt.residue.scanned) >= {"ledger.db", "ledger.db-wal", "full text index"}
        with pytest.raises(NotFound):
            await memories.restore([secret])
        traces = (b"zebra-umbrella", b"quokka", b"in May", secret.encode(), b"hush")
        async for file in anyio.Path(tmp_path).rglob("*"):
            data = await file.read_bytes() if await file.is_file() else b""
            assert not [trace for trace in traces if trace in data], file.name
        assert len(await contents(memories)) == 50


async def test_the_scan_finds_what_was_left_behind(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (secret,) = await keep(memories, SECRET)
        copies = tmp_path / "backups"
        copies.mkdir()
        (copies / "before-0000.db").write_bytes(b"..." + SECRET.encode() + b"...")
        (copies / "before-0001.db").write_bytes(b"harmless")
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
            other.execute("CREATE TABLE planted (note TEXT)")
            other.execute("INSERT INTO planted VALUES (?)", [f"leak: {SECRET}"])
            other.commit()
        receipt = await memories.forget([secret], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ("ledger.db: text",)
        assert sorted(file.name for file in copies.iterdir()) == ["before-0001.db"]


async def test_erasing_one_of_two_alike_leaves_the_other_whole(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        ids = [
            one.id
            for one in await memories.remember(
                [Draft(content=SECRET, namespace="a"), Draft(content=SECRET, namespace="b")]
            )
        ]
        receipt = await memories.forget(ids[:1], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert await ask(memories, "combination") == [SECRET]
    async with open_memories(tmp_path) as memories:
        assert await ask(memories, "combination") == [SECRET]


async def test_erasing_a_successor_leaves_the_superseded_superseded(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (old,) = await keep(memories, "Lives in Paris.")
        (new,) = await memories.remember([Draft(content="Lives in Rome.", supersedes=(old,))])
        await memories.forget([new.id], ForgetMode.ERASE)
        assert await ask(memories, "Lives where") == []
        assert (await memories.get(old)).superseded_by == "erased"


async def test_what_was_deleted_is_erased_when_its_time_is_up(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (secret,) = await keep(memories, SECRET)
        await memories.forget([secret])
        clock.pass_days(31)
    async with open_memories(tmp_path, clock=clock) as memories:
        with anyio.fail_after(20):
            while b"zebra" in await anyio.Path(tmp_path / "ledger.db").read_bytes():
                await contents(memories)
        with pytest.raises(NotFound):
            await memories.restore([secret])


async def test_a_selection_means_what_its_parts_have_in_common(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        drafts = [
            Draft(content="a", tags=("x",), session="s1"),
            Draft(content="b", tags=("x",), session="s2"),
            Draft(content="c", namespace="n/m", at=START - timedelta(days=9)),
        ]
        ids = [one.id for one in await memories.remember(drafts)]
        cases = {
            Selection(tags=("x",)): ids[:2],
            Selection(tags=("x",), session="s2"): ids[1:2],
            Selection(namespace="n"): ids[2:],
            Selection(before=START - timedelta(days=1)): ids[2:],
            Selection(entity="nobody"): [],
        }
        for selection, expected in cases.items():
            found, token = await memories.select(selection, ForgetMode.DELETE)
            assert found == expected
            other, _ = await memories.select(selection, ForgetMode.ERASE)
            assert other == found
            assert token != (await memories.select(selection, ForgetMode.ERASE))[1]
        with pytest.raises(InvalidInput, match="Say what to forget"):
            await memories.select(Selection(), ForgetMode.DELETE)


async def test_a_revision_replaces_and_keeps_the_earlier_version_readable(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (job,) = await keep(memories, "Ada works at Acme.")
        clock.pass_days(1)
        change = Revision(
            content="Ada works at Initech.",
            kind=Kind.EPISODIC,
            tags=("job",),
            importance=0.9,
            pinned=True,
            valid_until=clock.now + timedelta(days=9),
            metadata={"by": "hand"},
        )
        memory = await memories.revise(job, change)
        assert memory.version == 2
        for name in ("content", "kind", "tags", "importance", "pinned", "valid_until", "metadata"):
            assert getattr(memory, name) == getattr(change, name), name
        assert await ask(memories, "Acme") == []
        assert await ask(memories, "job", Filters(tags=("job",))) == ["Ada works at Initech."]
        first, second = await memories.history(job)
        assert (first.content, second.content) == ("Ada works at Acme.", "Ada works at Initech.")
        assert first.replaced_at == second.recorded_at
        assert second.remembered_at == first.remembered_at


async def test_revising_details_keeps_the_memory_findable(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        (cat,) = await keep(memories, "The kitten sleeps all day.")
        await memories.revise(cat, Revision(tags=("pet",)))
        assert await ask(memories, "What does the little cat do?") == ["The kitten sleeps all day."]
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        assert await ask(memories, "What does the little cat do?") == ["The kitten sleeps all day."]


async def test_parallel_revisions_all_apply(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "Start.")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for number in range(8):
                    change = Revision(content=f"Text {number}.")
                    tasks.start_soon(memories.revise, one, change)
        history = await memories.history(one)
        assert [memory.version for memory in history] == list(range(1, 10))
        assert {memory.content for memory in history[1:]} == {f"Text {n}." for n in range(8)}


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (Revision(), "Say what to change"),
        (Revision(content=" "), "content: it is empty"),
        (Revision(importance=-1), "importance: give a number from 0 to 1."),
        (Revision(metadata={"a": []}), "metadata: 'a' is nested"),
        (Revision(valid_until=START - timedelta(days=1)), "valid_until: it lies before"),
    ],
)
async def test_a_revision_that_cannot_be_stored_changes_nothing(
    tmp_path: Path, revision: Revision, message: str
) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "As it was.")
        with pytest.raises(InvalidInput) as refusal:
            await memories.revise(one, revision)
        assert str(refusal.value).startswith(message)
        assert len(await memories.history(one)) == 1


async def test_unknown_ids_are_not_found_by_any_verb(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for name in ("m000000000000", "nonsense", "m" * 500, ""):
            with pytest.raises(NotFound):
                await memories.get(name)
            with pytest.raises(NotFound):
                await memories.history(name)
            with pytest.raises(NotFound):
                await memories.forget([name])
            with pytest.raises(NotFound):
                await memories.revise(name, Revision(pinned=True))


async def test_the_hot_text_is_stable_while_its_memories_are(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await memories.remember([Draft(content="Pinned.", pinned=True)])
        await keep(memories, "One.", "Two.")
        before = (await memories.hot()).text
        for _ in range(3):
            await ask(memories, "Two.")
            assert (await memories.hot()).text == before
        await keep(memories, "Three.")
        after = await memories.hot()
        assert after.text != before
        assert after.text.index("Pinned.") < after.text.index("One.") < after.text.index("Three.")


async def test_pages_walk_through_everything_once(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, *(f"Memory {n}." for n in range(25)))
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await memories.page(cursor=cursor, limit=10)
            seen += [memory.content for memory in page.memories]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == [f"Memory {n}." for n in reversed(range(25))]
        for wrong in ("x", "-1", "9" * 30):
            with pytest.raises(InvalidInput, match="cursor"):
                await memories.page(cursor=wrong)


async def test_completions_are_the_values_in_use_most_used_first(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await memories.remember(
            [
                Draft(content="a", tags=("Blue", "black"), namespace="work/x", session="s-1"),
                Draft(content="b", tags=("black",), entities=("Ada_L", "Bob%")),
            ]
        )
        assert await memories.complete("tag", "bl") == ["black", "blue"]
        assert await memories.complete("namespace", "wo") == ["work/x"]
        assert await memories.complete("session", "") == ["s-1"]
        assert await memories.complete("entity", "ADA_") == ["Ada_L"]
        assert await memories.complete("entity", "%") == []
