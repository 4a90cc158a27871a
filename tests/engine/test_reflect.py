"""Consolidation: repetitions merged, episodes summed up, all of it additive, capped and undoable."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.engines import START, Clock, ask, contents, keep, open_memories, opened

from loci.server.embedding import shipped
from loci.server.engine import Limits, Memories
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Draft, Filters, ForgetMode, Kind, Memory, Query, Revision, Source

pytestmark = pytest.mark.anyio

TEA = ("Mara likes green tea.", "mara likes the  green tea")
TRIP = (
    "We hiked up the mountain trail in the rain.",
    "The mountain trail was steep and muddy on our hike.",
    "Our hike up the mountain trail ended at a hut.",
    "We rested at the hut on the mountain trail after the hike.",
)
"""Each with a cosine of .6 and more to those before it, whatever the processor makes of 8 bits."""
OTHER = ("The dentist moved the appointment.", "A parcel of books came.")


async def told(memories: Memories, *drafts: Draft) -> list[str]:
    return [one.id for one in await memories.remember(drafts)]


async def episodes(memories: Memories, clock: Clock, *texts: str) -> list[str]:
    ids: list[str] = []
    for text in texts:
        clock.pass_days(1)
        (one,) = await memories.remember([Draft(content=text, kind=Kind.EPISODIC)])
        ids.append(one.id)
    return ids


async def state(memories: Memories) -> list[tuple[object, ...]]:
    """All that anybody sees of all memories; not how many versions led there."""
    query = Query(text="", limit=100, max_tokens=100_000, filters=Filters(include_superseded=True))
    found = [one.memory for one in (await memories.recall(query)).recollections]
    return sorted(map(_seen, found), key=str)


def _seen(m: Memory) -> tuple[object, ...]:
    times = (m.valid_from, m.valid_until, m.remembered_at, m.superseded_by, m.deleted_at)
    said = (m.id, m.content, m.kind, m.tier, m.namespace, m.tags, m.entities, m.importance)
    return (*said, m.pinned, m.source, m.speaker, m.session, *times, m.uses, m.used_at)


async def test_what_was_said_twice_is_merged_by_superseding_and_can_be_undone(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        (old,) = await keep(memories, TEA[0])
        clock.pass_days(1)
        (new,) = await keep(memories, TEA[1])
        await keep(memories, "Mara likes black tea.")
        before = await state(memories)
        planned = await memories.reflect(dry_run=True)
        assert [(one.into, one.ids) for one in planned.merged] == [(new, (old,))]
        assert (planned.cycle, await state(memories)) == (None, before)
        done = await memories.reflect()
        assert done.merged == planned.merged
        assert TEA[0] not in await ask(memories, "green tea")
        assert (await memories.get(old)).superseded_by == new
        assert (await memories.get(new)).uses == 2
        assert TEA[0] in await ask(memories, "tea", Filters(as_of=START + timedelta(hours=1)))
        assert not (await memories.reflect()).changes
        undone = await memories.undo()
        assert (undone.cycle, undone.changed) == (done.cycle, ())
        assert await state(memories) == before
        assert TEA[0] in await ask(memories, "green tea")
        assert not (await memories.reflect()).changes, "what was undone is not done again"
        (line,) = await memories.cycles()
        assert (line.summary, line.undone_at is None) == ("1 merged", False)
        assert (await memories.undo()).cycle is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay 3.5 euros.", "Pay 35 euros."),
        ("It is -5 degrees.", "It is 5 degrees."),
        ("Mara likes tea.", "Mara likes tea?"),
        ("Mara lives in Rome.", "Mara lived in Rome."),
        ("Do call back.", "Do not call back."),
        ("The port is 8080.", "The port is 8081."),
    ],
)
async def test_what_differs_in_a_word_a_number_or_a_sign_is_not(
    tmp_path: Path, one: str, other: str
) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, one, other)
        assert not (await memories.reflect()).changes


async def test_what_a_merge_would_lose_is_not_merged(tmp_path: Path) -> None:
    text = "Mara likes tea"
    async with open_memories(tmp_path) as memories:
        await told(
            memories,
            Draft(content=text, tags=("drinks",)),
            Draft(content=text.upper(), namespace="work"),
            Draft(content=text.lower(), speaker="Mara"),
            Draft(content=text.title(), source=Source.USER),
            Draft(content=text + ".", at=START - timedelta(days=3)),
            Draft(content=text + "!", expires_in=10_000),
            Draft(content=text + "…", pinned=True),
            Draft(content=text + ",", kind=Kind.EPISODIC),
            Draft(content=text + ";", kind=Kind.PROCEDURAL),
            Draft(content=f"({text})"),
        )
        assert not (await memories.reflect()).merged


async def test_a_tenant_takes_back_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        await keep(ada, "Tea", "tea")
        done = await ada.reflect()
        assert ((await bob.undo()).cycle, await bob.cycles()) == (None, [])
        assert (await bob.reflect(dry_run=True)).looked == 0
        assert (await ada.undo()).cycle == done.cycle


async def test_episodes_of_one_topic_are_summed_up_in_their_own_words(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        ids = await episodes(memories, clock, *TRIP, *OTHER)
        before = await state(memories)
        planned = await memories.reflect(dry_run=True)
        assert await state(memories) == before
        (summed,) = (await memories.reflect()).summed
        assert summed.sources == planned.summed[0].sources == tuple(ids[:4])
        assert summed.content == planned.summed[0].content
        assert summed.content.startswith("2026-01-02 to 2026-01-05, 4 episodes: ")
        rest = summed.content.partition(": ")[2]
        for text in TRIP:
            rest = rest.replace(text, "")
        assert rest.strip() == "", "nothing is in it that was not said"
        assert await memories.sources(summed.id) == sorted(ids[:4])
        assert set(TRIP) <= set(await contents(memories))
        assert not (await memories.reflect()).changes
        await memories.undo()
        assert await state(memories) == before
        assert not (await memories.reflect()).changes


async def summed_up(memories: Memories, clock: Clock) -> tuple[list[str], str]:
    ids = await episodes(memories, clock, *TRIP)
    (summed,) = (await memories.reflect()).summed
    return ids, summed.id


async def test_a_summary_goes_with_an_erased_source_and_is_made_anew(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        ids, summary = await summed_up(memories, clock)
        receipt = await memories.forget([ids[3]], ForgetMode.ERASE)
        assert set(receipt.ids) == {ids[3], summary}
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        traces = (b"we rested", summary.encode(), ids[3].encode())
        assert not [trace for trace in traces if trace in everything(tmp_path)]
        with pytest.raises(NotFound):
            await memories.get(summary)
        (again,) = (await memories.reflect()).summed
        assert again.sources == tuple(ids[:3])
        assert "rested" not in again.content


def everything(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


async def test_a_summary_is_hidden_with_a_deleted_source(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        ids, summary = await summed_up(memories, clock)
        receipt = await memories.forget([ids[1]])
        assert set(receipt.ids) == {ids[1], summary}
        assert not [text for text in await ask(memories, "hike trail") if "muddy" in text]
        await memories.restore(receipt.ids)
        assert (await memories.get(summary)).deleted_at is None


async def test_a_summary_ends_when_a_source_is_revised(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        ids, summary = await summed_up(memories, clock)
        await memories.revise(ids[1], Revision(importance=0.5))
        assert not (await memories.reflect()).changes
        await memories.revise(ids[1], Revision(content="On the mountain hike the trail was dry."))
        before = await state(memories)
        done = await memories.reflect()
        assert [(one.id, one.source) for one in done.closed] == [(summary, ids[1])]
        assert [one.sources for one in done.summed] == [tuple(ids)]
        found = await ask(memories, "mountain hike trail")
        assert not [text for text in found if "muddy" in text]
        await memories.undo()
        assert await state(memories) == before


async def test_what_was_merged_is_erased_with_what_says_the_same(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        (old,) = await keep(memories, TEA[0])
        clock.pass_days(1)
        (new,) = await keep(memories, TEA[1])
        await memories.reflect()
        receipt = await memories.forget([new], ForgetMode.ERASE)
        assert set(receipt.ids) == {old, new}
        assert b"green tea" not in everything(tmp_path).replace(b"green tea\x00", b"")
        assert (await memories.undo()).ids == ()


SUPERSEDE = Limits(updates="supersede")


async def test_a_state_that_ended_is_closed_if_updates_may_supersede(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        late, first = await told(
            memories,
            Draft(content="Mara works at Bosch.", at=START - timedelta(days=9)),
            Draft(content="Mara works at Miele.", at=START - timedelta(days=30)),
        )
        clock.pass_days(1)
        (now,) = await keep(memories, "Mara works at Siemens.")
        assert not (await memories.reflect()).changes, "by default it is reported and no more"
    async with open_memories(tmp_path, clock=clock, limits=SUPERSEDE) as memories:
        before = await state(memories)
        planned = await memories.reflect(dry_run=True)
        assert {(one.id, one.source) for one in planned.closed} == {(late, now), (first, now)}
        assert await state(memories) == before
        done = await memories.reflect()
        assert done.closed == planned.closed
        assert [line.summary for line in await memories.cycles()] == ["2 closed"]
        old = await memories.get(late)
        kept = await memories.get(now)
        assert (old.superseded_by, old.valid_until) == (now, kept.valid_from)
        assert await contents(memories) == ["Mara works at Siemens."]
        assert not (await memories.reflect()).changes
        assert (await memories.undo()).changed == ()
        assert await state(memories) == before
        assert not (await memories.reflect()).changes, "what was undone is not done again"


async def test_a_state_is_left_where_more_is_said_or_it_is_pinned_or_elsewhere(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path) as memories:
        await told(
            memories,
            Draft(content="Mara works at Bosch; Mara likes tea."),
            Draft(content="Mara works at Miele.", pinned=True),
            Draft(content="Mara works at Braun.", namespace="else"),
            Draft(content="Mara works at Krups.", kind=Kind.EPISODIC),
            Draft(content="Mara works at Tefal.", expires_in=100_000),
            Draft(content="Mara likes coffee."),
            Draft(content="Mara prefers trains."),
            Draft(content="Mara prefers milk."),
            Draft(content="Mara works at Siemens."),
        )
    async with open_memories(tmp_path, limits=SUPERSEDE) as memories:
        assert not (await memories.reflect()).closed


async def test_closing_states_is_capped_and_what_has_not_settled_is_left_unasked(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        for name in ("Bosch", "Miele", "Siemens"):
            await keep(memories, f"Mara works at {name}.")
    limits = Limits(updates="supersede", reflect_most=1, reflect_every=timedelta(hours=1))
    async with open_memories(tmp_path, clock=clock, limits=limits) as memories:
        await memories.tidy()
        assert await memories.cycles() == []
        done = await memories.reflect()
        assert (len(done.closed), done.left) == (1, 1)
        clock.pass_days(2)
        await memories.tidy()
        assert await contents(memories) == ["Mara works at Siemens."]


async def test_what_was_changed_since_is_left_by_undo(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, embedder=shipped()) as memories:
        _, summary = await summed_up(memories, clock)
        await memories.revise(summary, Revision(tags=("kept",)))
        undone = await memories.undo()
        assert (undone.ids, undone.changed) == ((), (summary,))
        assert (await memories.get(summary)).tags == ("kept",)


async def test_a_cycle_makes_no_more_changes_than_it_may(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(reflect_most=2)) as memories:
        for number in range(5):
            await keep(memories, f"Fact {number}", f"fact {number}")
        done = await memories.reflect()
        assert (done.changes, done.left) == (2, 3)
        assert (await memories.reflect()).changes == 2
        assert (await memories.reflect(dry_run=True)).changes == 1


async def test_a_namespace_is_consolidated_alone_and_a_wrong_one_refused(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for namespace in ("work/a", "home"):
            drafts = [Draft(content=text, namespace=namespace) for text in ("Tea", "tea")]
            await told(memories, *drafts)
        done = await memories.reflect("work")
        assert [one.content for one in done.merged] == ["tea"]
        assert done.looked == 2
        with pytest.raises(InvalidInput, match="namespace"):
            await memories.reflect("a//b")


async def test_unasked_only_what_has_settled_is_touched_and_only_if_set(tmp_path: Path) -> None:
    clock = Clock()
    often = Limits(reflect_every=timedelta(hours=1))
    for limits, expected in ((Limits(), []), (often, ["1 merged"])):
        home = tmp_path / str(len(expected))
        async with open_memories(home, clock=clock, limits=limits) as memories:
            await keep(memories, "Tea", "tea")
            await memories.tidy()
            assert await memories.cycles() == []
            clock.pass_days(2)
            await memories.tidy()
            assert [one.summary for one in await memories.cycles()] == expected


async def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    async def note(done: int, whole: int, what: str) -> None:
        seen.append((done, whole))
        assert what

    async with open_memories(tmp_path) as memories:
        await keep(memories, "Tea", "tea")
        await memories.reflect(progress=note)
    assert seen == sorted(seen)
    assert seen[-1] == (10, 10)
