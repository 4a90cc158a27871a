"""Promotion through the engine: what becomes a memory, once, with its source; and what erasing does."""

from pathlib import Path

import anyio
import pytest
from support.engines import START, Clock, contents, keep, open_memories, opened

from loci.server.engine import Limits, Memories
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import (
    SIGNALS,
    Draft,
    Filters,
    ForgetMode,
    Kind,
    NewNote,
    Note,
    NoteOutcome,
    Policy,
    Query,
    Section,
    Selection,
)

pytestmark = pytest.mark.anyio

WORTH = "Decided with Mara: loci_core runs on port 9090, because 8080 is taken."
EVERYTHING = Limits(policy=Policy(threshold=0))


async def note(
    memories: Memories, content: str, section: str = "observation", **more: object
) -> str:
    new = NewNote(session="monday", section=Section(section), content=content)
    for name, value in more.items():
        object.__setattr__(new, name, value)
    return (await memories.note(new)).id


async def notes(memories: Memories, session: str = "monday") -> dict[str, Note]:
    return {one.content: one for one in (await memories.pad(session)).notes}


async def test_what_is_worth_it_becomes_a_memory_that_names_its_source(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        small = await note(memories, "ok")
        worth = await note(
            memories, WORTH, "reasoning", namespace="work", agent="planner", importance=0.9
        )
        clock.pass_days(2)
        done = await memories.promote("monday")
        assert {name: one.verdict for name, one in done.decisions.items()} == {
            small: "left",
            worth: "promoted",
        }
        (memory,) = (await memories.page()).memories
        assert done.memories == {worth: memory.id}
        assert (memory.content, memory.kind, memory.namespace) == (WORTH, Kind.SEMANTIC, "work")
        assert (memory.session, memory.agent, memory.importance) == ("monday", "planner", 0.9)
        assert memory.metadata == {"notes": worth}
        # It was said when it was noted.
        assert (memory.valid_from - START).days == 0
        kept = (await notes(memories))[WORTH]
        assert kept.memory == memory.id
        assert kept.decision == done.decisions[worth]
        assert set(done.decisions[small].scores) == set(SIGNALS)
        assert "too little" in done.decisions[small].reason
        answer = await memories.recall(Query(text="which port?", filters=Filters(session="monday")))
        assert [one.memory.id for one in answer.recollections] == [memory.id]


async def test_sections_become_kinds(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=EVERYTHING) as memories:
        for section in Section:
            await note(memories, f"A {section}.", section)
        await memories.promote("monday")
        found = {one.content: one.kind for one in (await memories.page()).memories}
        assert found == {
            "A observation.": Kind.SEMANTIC,
            "A reasoning.": Kind.SEMANTIC,
            "A example.": Kind.PROCEDURAL,
            "A trajectory.": Kind.EPISODIC,
        }


async def test_repeating_it_changes_nothing(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for content in ("ok", WORTH, WORTH, "Mara works at the docks since 2024.", "fine"):
            await note(memories, content)
        first = await memories.promote("monday")
        before, pad = (await memories.page()).memories, await memories.pad("monday")
        assert await memories.promote("monday") == first
        assert (await memories.page()).memories == before
        assert await memories.pad("monday") == pad
    async with open_memories(tmp_path) as memories:
        assert await memories.promote("monday") == first


async def test_a_dry_run_decides_the_same_and_writes_nothing(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for content in ("ok", WORTH, WORTH):
            await note(memories, content)
        dry = await memories.promote("monday", dry_run=True)
        assert dry.dry_run
        assert dry.memories == {}
        assert (await memories.page()).memories == ()
        assert all(one.decision is None for one in (await memories.pad("monday")).notes)
        assert (await memories.promote("monday")).decisions == dry.decisions


async def test_notes_that_say_the_same_become_one_memory_that_names_both(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        first, second = await note(memories, WORTH), await note(memories, WORTH)
        done = await memories.promote("monday")
        (memory,) = (await memories.page()).memories
        assert memory.metadata == {"notes": f"{second} {first}"}
        assert done.memories == {first: memory.id, second: memory.id}
        assert [done.decisions[one].verdict for one in (first, second)] == ["left", "promoted"]
        assert memory.uses == 1


async def test_what_is_known_is_not_remembered_again(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (known,) = await keep(memories, WORTH)
        name = await note(memories, WORTH)
        done = await memories.promote("monday")
        assert (done.decisions[name].verdict, done.decisions[name].near) == ("left", known)
        # Asked for, it is what is known already: the ordinary way recognises it.
        done = await memories.promote("monday", [name])
        assert (done.decisions[name].verdict, done.memories) == ("promoted", {name: known})
        assert await contents(memories) == [WORTH]


async def test_the_agent_may_choose(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        chosen, other = await note(memories, "ok"), await note(memories, WORTH)
        done = await memories.promote("monday", [chosen])
        assert list(done.decisions) == [chosen]
        assert await contents(memories) == ["ok"]
        done = await memories.promote("monday")
        assert {name: one.verdict for name, one in done.decisions.items()} == {
            chosen: "promoted",
            other: "promoted",
        }


async def test_what_was_left_for_another_can_be_asked_for(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(similar_from=0.2)) as memories:
        first = await note(memories, "Mara likes tea", importance=1.0)
        second = await note(memories, "Mara hates tea", importance=1.0)
        done = await memories.promote("monday")
        assert [one.verdict for one in done.decisions.values()] == ["left", "promoted"]
        done = await memories.promote("monday", [first])
        assert done.decisions[first].verdict == "promoted"
        assert sorted(await contents(memories)) == ["Mara hates tea", "Mara likes tea"]
        assert len(set((await memories.promote("monday")).memories.values())) == 2
        assert second in (await memories.promote("monday")).memories


async def test_weights_and_threshold_decide(tmp_path: Path) -> None:
    only_use = {name: float(name == "use") for name in SIGNALS}
    limits = Limits(policy=Policy(weights=only_use, threshold=0.6))
    async with open_memories(tmp_path, limits=limits) as memories:
        await note(memories, WORTH, importance=1.0)
        assert [one.score for one in (await memories.promote("monday")).decisions.values()] == [0]
        for _ in range(2):
            await memories.pad("monday", max_tokens=1000)
        (decision,) = (await memories.promote("monday")).decisions.values()
        assert (decision.score, decision.verdict) == (0.667, "promoted")


async def test_an_outcome_speaks_for_what_led_to_it(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        tried = await note(memories, "tried A", "trajectory")
        await note(memories, "no good", "trajectory", outcome=NoteOutcome.FAILURE)
        worked = await note(memories, "tried B", "trajectory")
        await note(memories, "all green", "trajectory", outcome=NoteOutcome.SUCCESS)
        found = (await memories.promote("monday", dry_run=True)).decisions
        assert (found[tried].scores["outcome"], found[worked].scores["outcome"]) == (0, 1)


async def test_more_than_a_batch_is_promoted_in_several(tmp_path: Path) -> None:
    limits = Limits(max_batch=3, policy=Policy(threshold=0))
    async with open_memories(tmp_path, limits=limits) as memories:
        for number in range(8):
            await note(memories, f"Fact number {number}.")
        done = await memories.promote("monday")
        assert len(set(done.memories.values())) == 8
        assert len(await contents(memories)) == 8


async def test_two_promotions_at_once_promote_once(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=EVERYTHING) as memories:
        for number in range(5):
            await note(memories, f"Fact number {number}.")
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(memories.promote, "monday")
        found = (await memories.page()).memories
        assert sorted(one.content for one in found) == [f"Fact number {n}." for n in range(5)]
        # A second store of the same would have counted as a use.
        assert {one.uses for one in found} == {1}


async def test_what_cannot_be_promoted_is_said(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        with pytest.raises(NotFound, match="No notes of session 'monday'"):
            await memories.promote("monday")
        await note(memories, "x")
        with pytest.raises(NotFound, match="No note 'm1'"):
            await memories.promote("monday", ["m1"])
        with pytest.raises(NotFound, match="No note n00000000000a in session 'monday'"):
            await memories.promote("monday", ["n00000000000a"])
        with pytest.raises(InvalidInput, match="session: give 1 to 200"):
            await memories.promote(" ")


async def test_a_note_that_a_lowered_limit_forbids_is_left_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path) as memories:
        long = await note(memories, WORTH * 3)
        short = await note(memories, WORTH)
    async with open_memories(tmp_path, limits=Limits(max_content=100)) as memories:
        done = await memories.promote("monday", [long, short])
        assert done.decisions[long].verdict == "left"
        assert "a memory has at most 100" in done.decisions[long].reason
        assert await contents(memories) == [WORTH]


async def test_deleting_a_memory_does_not_bring_its_note_back(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        name = await note(memories, WORTH)
        memory = (await memories.promote("monday")).memories[name]
        await memories.forget([memory])
        assert (await memories.promote("monday")).memories == {name: memory}
        assert await contents(memories) == []
        await memories.restore([memory])
        assert await contents(memories) == [WORTH]


def bytes_of(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


async def test_erasing_a_memory_erases_the_notes_that_it_comes_from(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        first, second = await note(memories, WORTH), await note(memories, WORTH)
        elsewhere = NewNote(session="other", section=Section.EXAMPLE, content=f"{WORTH}\n")
        third = (await memories.note(elsewhere)).id
        stays = await note(memories, "Something else.")
        done = await memories.promote("monday")
        memory = done.memories[second]
        # Its decision names the memory that says the same.
        (said,) = (await memories.promote("other")).decisions.values()
        assert said.near == memory
        receipt = await memories.forget([memory], ForgetMode.ERASE)
        assert receipt.ids == (memory,)
        assert {first, second} <= set(receipt.notes) <= {first, second, third}
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert [one.id for one in (await memories.pad("monday")).notes] == [stays]
        if third not in receipt.notes:
            await memories.forget([third], ForgetMode.ERASE)
        await memories.forget([stays], ForgetMode.ERASE)
    found = await anyio.to_thread.run_sync(bytes_of, tmp_path)
    for trace in (WORTH, first, second, memory, "Something else."):
        assert trace.encode() not in found


async def test_erasing_a_sessions_selection_erases_its_notes(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        kept, left = await note(memories, WORTH), await note(memories, "Small talk of Tuesday.")
        memory = (await memories.promote("monday")).memories[kept]
        await memories.remember([Draft(content="Said in it.", session="monday")])
        await memories.note(NewNote(session="other", section=Section.EXAMPLE, content="Stays."))
        ids, _ = await memories.select(Selection(session="monday"), ForgetMode.DELETE)
        assert kept not in ids
        ids, token = await memories.select(Selection(session="monday"), ForgetMode.ERASE)
        assert {memory, kept, left} < set(ids)
        assert token != (await memories.select(Selection(session="other"), ForgetMode.ERASE))[1]
        receipt = await memories.forget(ids, ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert set(receipt.notes) == {kept, left}
        assert await memories.pads() == ["other"]
    found = await anyio.to_thread.run_sync(bytes_of, tmp_path)
    for trace in (WORTH, "Small talk of Tuesday.", "Said in it.", kept, left, "monday"):
        assert trace.encode() not in found
    assert b"Stays." in found


async def test_a_selection_narrows_the_notes_as_well(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        early = await note(memories, "early", namespace="work/loci")
        clock.pass_days(1)
        noon = clock.now
        late = await note(memories, "late", namespace="workshop")

        async def chosen(selection: Selection) -> list[str]:
            return (await memories.select(selection, ForgetMode.ERASE))[0]

        assert await chosen(Selection(session="monday")) == [early, late]
        assert await chosen(Selection(session="monday", namespace="work")) == [early]
        assert await chosen(Selection(session="monday", before=noon)) == [early]
        assert await chosen(Selection(session="monday", tags=("x",))) == []


async def test_notes_are_only_erased_and_only_their_tenants(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        name = await note(ada, "Mine.")
        with pytest.raises(InvalidInput, match="can only be erased"):
            await ada.forget([name])
        with pytest.raises(NotFound, match=name):
            await bob.forget([name], ForgetMode.ERASE)
        assert (await ada.forget([name], ForgetMode.ERASE)).notes == (name,)


async def test_what_was_deleted_long_enough_ago_takes_its_notes_with_it(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await note(memories, WORTH)
        (memory,) = (await memories.promote("monday")).memories.values()
        await memories.forget([memory])
    clock.pass_days(31)
    async with opened(tmp_path, clock=clock) as engine:
        gone = anyio.Event()

        async def changed(change: object) -> None:
            gone.set()

        engine.on_change(changed)
        memories = await engine.for_tenant("somebody")
        with anyio.fail_after(10):
            while (await memories.pad("monday")).notes:
                await gone.wait()
                gone = anyio.Event()
