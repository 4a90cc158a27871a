"""Scratchpads: what is noted is read back, within its limits, by its own tenant, after a restart."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from support.engines import Clock, open_memories, opened

from loci.server.engine import Engine, Limits, Memories
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Change, NewNote, Note, NoteOutcome, Section
from loci.server.model.pad_shown import note_dict, pad_dict
from loci.server.model.render import compact
from loci.server.tokens import TokenCounter
from loci.server.workspace.scratchpad_reading import fit_pad
from loci.server.workspace.scratchpads import PadLimits

pytestmark = pytest.mark.anyio

Until = Callable[[Engine, Callable[[], Awaitable[bool]]], Awaitable[None]]

COUNT = TokenCounter().count


def a_note(content: str, session: str = "monday", section: str = "observation") -> NewNote:
    return NewNote(session=session, section=Section(section), content=content)


async def contents(memories: Memories, session: str = "monday") -> list[str]:
    return [note.content for note in (await memories.pad(session)).notes]


async def test_notes_come_back_in_their_order_with_what_was_said_of_them(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        first = await memories.note(a_note("The build fails."))
        done = NewNote(
            session="monday",
            section=Section.TRAJECTORY,
            content="Pinned the library.",
            namespace="work",
            agent="planner",
            importance=0.7,
            outcome=NoteOutcome.SUCCESS,
        )
        second = await memories.note(done)
        assert (second.notes, second.characters, second.limit) == (2, 400, 100_000)
        one, two = (await memories.pad("monday")).notes
        assert (one.id, one.content, one.section) == (
            first.id,
            "The build fails.",
            Section.OBSERVATION,
        )
        assert (two.agent, two.namespace, two.importance) == ("planner", "work", 0.7)
        assert two.outcome is NoteOutcome.SUCCESS
        assert one.at < two.at
        steps = await memories.pad("monday", Section.TRAJECTORY)
        assert [note.id for note in steps.notes] == [second.id]
        assert (await memories.pad("tuesday")).notes == ()


async def test_a_scratchpad_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.note(a_note("Before."))
        await memories.pad("monday", max_tokens=1000)
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.note(a_note("After."))
        notes = (await memories.pad("monday")).notes
        assert [(note.content, note.uses) for note in notes] == [("Before.", 1), ("After.", 0)]
        assert await memories.pads() == ["monday"]


async def test_another_tenants_scratchpad_looks_like_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        mine = await ada.note(a_note("Ada's secret."))
        assert (await bob.pad("monday")).notes == ()
        assert await bob.pads() == []
        assert await bob.complete("session", "") == []
        with pytest.raises(NotFound, match="No notes of session 'monday'"):
            await bob.promote("monday")
        await bob.note(a_note("Bob's."))
        with pytest.raises(NotFound, match=mine.id):
            await bob.promote("monday", [mine.id])
        assert await contents(ada) == ["Ada's secret."]


async def test_sessions_complete_with_the_last_written_first(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for session in ("mon-1", "mon-2", "tuesday", "mon-1"):
            await memories.note(a_note("x", session))
        assert await memories.complete("session", "mon") == ["mon-1", "mon-2"]


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (a_note(" "), "content: it is empty"),
        (a_note("x", session=" "), "session: give 1 to 200 characters"),
        (a_note("x" * 2001), "content: 2,001 characters; a scratchpad holds at most 2,000"),
        (
            NewNote(session="s", section=Section.EXAMPLE, content="x", importance=2),
            "importance: give a number from 0 to 1",
        ),
        (
            NewNote(session="s", section=Section.EXAMPLE, content="x", namespace="//"),
            "namespace: use a path",
        ),
    ],
)
async def test_a_note_that_cannot_be_kept_is_refused(
    tmp_path: Path, note: NewNote, said: str
) -> None:
    limits = Limits(pads=PadLimits(characters=2000))
    async with open_memories(tmp_path, limits=limits) as memories:
        with pytest.raises(InvalidInput, match=said):
            await memories.note(note)
        assert await memories.pads() == []


async def test_a_full_scratchpad_is_promoted_from_and_lets_the_oldest_go(tmp_path: Path) -> None:
    limits = Limits(pads=PadLimits(characters=2000))
    async with open_memories(tmp_path, limits=limits) as memories:
        keep = NewNote(
            session="monday", section=Section.REASONING, content="Use port 9090.", importance=1
        )
        await memories.note(keep)
        for number in range(9):
            await memories.note(a_note(f"small talk {number}"))
        assert (await memories.page()).memories == ()
        noted = await memories.note(a_note("one more"))
        assert noted.characters <= noted.limit
        kept = await contents(memories)
        assert kept[-1] == "one more"
        # The newest of what was there before, without a gap.
        assert kept[:-1] == [f"small talk {n}" for n in range(9 - len(kept) + 1, 9)]
        pad = await memories.pad("monday")
        assert pad.dropped == 11 - len(kept) > 1
        assert [memory.content for memory in (await memories.page()).memories] == ["Use port 9090."]


@pytest.fixture
def until() -> Until:
    """Wait for what is done behind the answers: it is looked at again after each change."""

    async def wait(engine: Engine, check: Callable[[], Awaitable[bool]]) -> None:
        changed = anyio.Event()

        async def noted(_: Change) -> None:
            nonlocal changed
            changed.set()
            changed = anyio.Event()

        engine.on_change(noted)
        with anyio.fail_after(10):
            while True:
                change = changed
                if await check():
                    return
                await change.wait()

    return wait


def decided(memories: Memories, session: str, count: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        notes = (await memories.pad(session)).notes
        return sum(note.decision is not None for note in notes) == count

    return check


async def test_old_notes_are_let_go_after_they_were_decided_on(
    tmp_path: Path, until: Until
) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.note(a_note("small talk"))
        clock.pass_days(20)
        await memories.note(a_note("newer"))
        await memories.promote("monday")
        clock.pass_days(11)
        await memories.note(a_note("old but open", session="other"))
    clock.pass_days(-1)
    async with opened(tmp_path, clock=clock) as engine:
        memories = await engine.for_tenant("somebody")

        async def gone() -> bool:
            return await contents(memories) == ["newer"]

        await until(engine, gone)
        assert (await memories.pad("monday")).dropped == 1
        assert await contents(memories, "other") == ["old but open"]


async def test_a_session_is_over_when_nobody_wrote_it_for_a_while(
    tmp_path: Path, until: Until
) -> None:
    limits = Limits(pads=PadLimits(idle=timedelta(minutes=5)))
    clock = Clock()
    async with opened(tmp_path, clock=clock, limits=limits) as engine:
        memories = await engine.for_tenant("somebody")
        await memories.note(
            NewNote(session="old", section=Section.EXAMPLE, content="Use 0.5.", importance=1)
        )
        clock.pass_days(4 / 1440)
        await memories.note(a_note("x", session="new"))
        clock.pass_days(2 / 1440)
        # This write has the room tended; only the other session is over by then.
        await memories.note(a_note("y", session="new"))
        await until(engine, decided(memories, "old", 1))
        (note,) = (await memories.pad("old")).notes
        assert note.decision is not None
        assert (note.decision.verdict, note.decision.occasion) == ("promoted", "ended")
        assert all(one.decision is None for one in (await memories.pad("new")).notes)


async def test_a_session_that_was_over_before_a_restart_is_decided_on_after_it(
    tmp_path: Path, until: Until
) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.note(a_note("small talk"))
    clock.pass_days(1)
    async with opened(tmp_path, clock=clock) as engine:
        await until(engine, decided(await engine.for_tenant("somebody"), "monday", 1))


async def test_a_session_that_ended_is_decided_on_and_goes_on_with_its_next_note(
    tmp_path: Path, until: Until
) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("somebody")
        await memories.note(a_note("Use port 9090, decided because 8080 is taken."))
        await memories.end(["monday", "never written"])
        await until(engine, decided(memories, "monday", 1))
        await memories.note(a_note("And go on."))
        await memories.end(["monday"])
        await until(engine, decided(memories, "monday", 2))


texts = st.text(min_size=1, max_size=300).filter(lambda text: "\0" not in text)


JOINTS = 24
"""Tokens by which notes may cost less, put together, than one by one: two for each joint of twelve."""


@settings(deadline=None, max_examples=50)
@given(st.lists(texts, max_size=12), st.integers(100, 800))
@example(
    [
        "0",
        "\x1f\U0001bc9a\x1f0000:0:0\x07\u1380\U0001a340\x07" + "\U00010000" * 3 + "\U0001e000" * 2,
    ],
    100,
)
def test_the_budget_of_a_reading_is_exact(contents: list[str], budget: int) -> None:
    at = Clock()()
    notes = [
        Note(
            id=f"n{place:012}",
            section=Section.EXAMPLE,
            content=content,
            namespace="",
            agent=None,
            importance=None,
            outcome=None,
            at=at,
            uses=0,
            memory=None,
            decision=None,
        )
        for place, content in enumerate(contents)
    ]
    pad = fit_pad("s", notes, 0, budget, COUNT)
    shown = compact(pad_dict(pad))
    assert COUNT(shown) == pad.tokens <= budget
    assert json.loads(shown)["omitted"] == len(notes) - len(pad.notes)
    # In their order, and none is left out that would have fitted beside the newest.
    assert [note for note in notes if note in pad.notes] == list(pad.notes)
    for note in notes:
        if note not in pad.notes:
            assert COUNT(compact(note_dict(note))) > budget - pad.tokens - JOINTS
