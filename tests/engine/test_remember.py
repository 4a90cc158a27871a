"""remember: what is acknowledged is kept, once, all or nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from support.engines import START, Clock, ask, contents, keep, open_memories

from loci.server.embedding import shipped
from loci.server.engine import Limits
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Draft, Filters, Kind, Source

pytestmark = pytest.mark.anyio


async def test_what_was_remembered_is_recalled_with_all_its_fields(tmp_path: Path) -> None:
    draft = Draft(
        content="The deploy runs at noon.",
        kind=Kind.PROCEDURAL,
        tags=("deploy", "Ops"),
        namespace="work/loci",
        entities=("Jenkins",),
        importance=0.7,
        pinned=True,
        source=Source.USER,
        speaker="Ada",
        agent="claude",
        at=START,
        session="s1",
        valid_until=START + timedelta(days=400),
        metadata={"ticket": "OPS-1", "count": 3},
    )
    async with open_memories(tmp_path) as memories:
        (stored,) = await memories.remember([draft])
        memory = await memories.get(stored.id)
    for name in ("content", "kind", "tags", "namespace", "entities", "importance", "pinned"):
        assert getattr(memory, name) == getattr(draft, name), name
    for name in ("source", "speaker", "agent", "session", "valid_until", "metadata"):
        assert getattr(memory, name) == getattr(draft, name), name
    assert memory.valid_from == START


async def test_memories_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "The cat is called Ada.", "The dog is called Bob.")
    async with open_memories(tmp_path) as memories:
        assert await contents(memories) == ["The dog is called Bob.", "The cat is called Ada."]
        assert (await ask(memories, "What is the cat called?"))[0] == "The cat is called Ada."


async def test_an_exact_repeat_is_recognised_and_not_stored_again(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await memories.remember([Draft(content="Tea at four.")])
        (again,) = await memories.remember([Draft(content="  Tea at four.\n")])
        assert (again.id, again.status) == (first.id, "duplicate")
        assert (await memories.get(first.id)).uses == 2
        assert len(await contents(memories)) == 1


async def test_a_repeat_is_recognised_after_a_restart_and_within_one_batch(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await keep(memories, "Tea at four.")
    async with open_memories(tmp_path) as memories:
        ids = await keep(memories, "Tea at four.", "Cake at five.", "Cake at five.")
        assert ids[0] == first
        assert ids[1] == ids[2]


@pytest.mark.parametrize(
    "other",
    [{"namespace": "elsewhere"}, {"speaker": "Bob"}, {"at": START}],
    ids=["namespace", "speaker", "time"],
)
async def test_the_same_words_elsewhere_are_another_memory(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    draft = Draft(content="Hello there.")
    async with open_memories(tmp_path) as memories:
        (first,) = await memories.remember([draft])
        (second,) = await memories.remember([replace(draft, **other)])
        assert second.status == "stored"
        assert second.id != first.id


async def test_what_was_forgotten_or_superseded_can_be_remembered_anew(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        paris, tea = await keep(memories, "Lives in Paris.", "Tea at four.")
        await memories.remember([Draft(content="Lives in Rome.", supersedes=(paris,))])
        await memories.forget([tea])
        again = await memories.remember(
            [Draft(content="Lives in Paris."), Draft(content="Tea at four.")]
        )
        assert [one.status for one in again] == ["stored", "stored"]


async def test_near_repeats_are_reported_and_never_merged(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        (old,) = await keep(memories, "The meeting with the design team is on Monday.")
        (new,) = await memories.remember(
            [Draft(content="The meeting with the design team is on Tuesday.")]
        )
        assert new.status == "stored"
        assert [(near.id, near.content) for near in new.similar] == [
            (old, "The meeting with the design team is on Monday.")
        ]
        assert 0.8 <= new.similar[0].relevance <= 1
        assert len(await contents(memories)) == 2


async def test_superseding_ends_the_older_memory_where_the_newer_begins(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (paris,) = await keep(memories, "Lives in Paris.")
        clock.pass_days(10)
        (rome,) = await memories.remember([Draft(content="Lives in Rome.", supersedes=(paris,))])
        assert rome.status == "superseded_others"
        old = await memories.get(paris)
        assert old.superseded_by == rome.id
        assert old.valid_until == (await memories.get(rome.id)).valid_from
        assert await ask(memories, "Lives where?") == ["Lives in Rome."]
        everything = Filters(include_superseded=True)
        assert set(await ask(memories, "Lives where?", everything)) == {
            "Lives in Rome.",
            "Lives in Paris.",
        }


async def test_superseding_what_is_not_there_stores_nothing_of_the_batch(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        with pytest.raises(NotFound, match="No memory m000000000000"):
            await memories.remember(
                [Draft(content="One."), Draft(content="Two.", supersedes=("m000000000000",))]
            )
        assert await contents(memories) == []


async def test_one_callers_error_is_no_other_callers(tmp_path: Path) -> None:
    outcomes: dict[int, str] = {}
    async with open_memories(tmp_path) as memories:

        async def call(number: int) -> None:
            wrong = ("m000000000000",) if number % 3 == 0 else ()
            try:
                await memories.remember([Draft(content=f"Fact {number}.", supersedes=wrong)])
                outcomes[number] = "kept"
            except NotFound:
                outcomes[number] = "refused"

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for number in range(30):
                    tasks.start_soon(call, number)
        kept = {f"Fact {number}." for number, outcome in outcomes.items() if outcome == "kept"}
        assert set(await contents(memories)) == kept
        assert len(kept) == 20


async def test_parallel_repeats_are_stored_once(tmp_path: Path) -> None:
    ids: list[str] = []
    async with open_memories(tmp_path) as memories:

        async def call() -> None:
            ids.extend(await keep(memories, "Said by all at once."))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)
        assert len(ids) == 20
        assert len(set(ids)) == 1
        assert len(await contents(memories)) == 1


async def test_a_cancelled_call_leaves_ledger_and_index_together(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for number in range(20):
            with anyio.move_on_after(0) as scope:
                await anyio.lowlevel.checkpoint_if_cancelled()
                await keep(memories, f"Perhaps {number}.")
            assert scope.cancelled_caught
        (after,) = await keep(memories, "Certainly.")
        assert (await memories.get(after)).content == "Certainly."
        for text in await contents(memories):
            assert text in await ask(memories, text)


async def test_a_long_text_is_found_by_any_of_its_parts(tmp_path: Path) -> None:
    filler = "The committee discussed the budget for the coming quarter at length. "
    needle = (
        "A spare key to the house hangs behind the bakery's blue door. Whoever is locked out may "
        "take it from its nail, open up, and hang it back the same evening. The lock is stiff, so "
        "push the door while turning the key twice to the left. If the key is gone, the baker has "
        "another one, and the locksmith in the next street opens doors until midnight. "
    )
    text = filler * 20 + needle + filler * 20
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await keep(memories, text, *(f"Note {n} about lunch." for n in range(20)))
        answer = await ask(memories, "locked out, no key to the house")
        assert answer[0] == text


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (Draft(content=""), "content: it is empty; say what to remember."),
        (Draft(content=" \n\t "), "content: it is empty; say what to remember."),
        (Draft(content="a\0b"), "content: it contains a NUL character; remove it."),
        (Draft(content="half \ud83d"), "content: it contains half a character"),
        (Draft(content="x" * 10_000_000), "content: 10,000,000 characters; a memory has at most"),
        (Draft(content="x", tags=("",)), "tags: give 1 to 200 characters."),
        (Draft(content="x", tags=("t",) * 33), "tags: at most 32."),
        (Draft(content="x", entities=("\ud800",)), "entities: it contains half a character"),
        (Draft(content="x", namespace="../up//"), "namespace: use a path such as work/loci"),
        (Draft(content="x", importance=1.5), "importance: give a number from 0 to 1."),
        (Draft(content="x", importance=float("nan")), "importance: give a number from 0 to 1."),
        (Draft(content="x", speaker=" "), "speaker: give 1 to 200 characters."),
        (Draft(content="x", session="s" * 201), "session: give 1 to 200 characters."),
        (Draft(content="x", metadata={"a": {"b": 1}}), "metadata: 'a' is nested"),
        (Draft(content="x", metadata={"a": "b" * 5000}), "metadata: 5,"),
        (Draft(content="x", metadata={"a": float("inf")}), "metadata: 'a' is not a finite number"),
        (Draft(content="x", expires_in=-1), "expires_in: give seconds above 0."),
        (Draft(content="x", expires_in=1e18), "expires_in: too far away"),
        (Draft(content="x", expires_in=1, valid_until=START), "Give valid_until or expires_in"),
        (Draft(content="x", valid_until=START - timedelta(1)), "valid_until: it lies before"),
        (Draft(content="x", supersedes=("no id",)), "No memory 'no id'."),
    ],
)
async def test_what_cannot_be_stored_is_refused_and_nothing_is_lost(
    tmp_path: Path, draft: Draft, message: str
) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Here before.")
        with pytest.raises((InvalidInput, NotFound)) as refusal:
            await memories.remember([Draft(content="In the same batch."), draft])
        assert str(refusal.value).startswith(message)
        assert len(str(refusal.value)) < 200
        assert await contents(memories) == ["Here before."]


async def test_a_batch_has_its_bounds(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(max_batch=3)) as memories:
        for drafts in ([], [Draft(content="x")] * 4):
            with pytest.raises(InvalidInput, match=r"send 1 to 3\."):
                await memories.remember(drafts)
