"""recall: what a question says beside its words, and answers that are given again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.engines import START, Clock, ask, keep, open_memories, opened

from loci.server.embedding import shipped
from loci.server.engine import Memories
from loci.server.model import Draft, ForgetMode, Query, Revision

pytestmark = pytest.mark.anyio


async def said(memories: Memories, *lines: tuple[str, str, datetime]) -> None:
    """A conversation: who said what, when."""
    drafts = [Draft(content=c, speaker=s, at=at, session="talk") for s, c, at in lines]
    await memories.remember(drafts)


async def test_what_a_named_person_said_comes_before_what_was_said_to_them(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await said(
            memories,
            ("Caroline", "I finally adopted a puppy from the shelter.", START),
            ("Melanie", "Wow, Caroline, a puppy, that is wonderful, Caroline!", START),
        )
        for question in ("What did Caroline adopt?", "What is Carolines new pet?"):
            assert (await ask(memories, question))[0].startswith("I finally adopted")


async def test_the_time_that_is_asked_for_tells_alike_events_apart(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        months = {"March": 3, "June": 6, "October": 10}
        for month in months.values():
            at = datetime(2025, month, 14, tzinfo=UTC)
            draft = Draft(content=f"We went hiking in the hills, tour {month}.", at=at)
            await memories.remember([draft])
        for name, month in months.items():
            asked = f"In {name}, where did we go hiking?"
            assert (await ask(memories, asked))[0].endswith(f"tour {month}.")


async def test_a_reply_comes_along_with_its_question(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        moments = [START + timedelta(minutes=n) for n in range(2)]
        await said(
            memories,
            ("ada", "Which colour has your bicycle?", moments[0]),
            ("bob", "The bicycle is turquoise.", moments[1]),
        )
        await keep(memories, "The bicycle is broken.")
        assert "The bicycle is turquoise." in await ask(memories, "Which colour has the bicycle?")


@pytest.mark.parametrize("asked_between", [False, True], ids=["at once", "after a question"])
async def test_a_reply_that_was_restored_comes_along_again(
    tmp_path: Path, asked_between: bool
) -> None:
    question, reply = "Which colour has the bicycle?", "Turquoise, since the spring."
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        moments = [START + timedelta(minutes=n) for n in range(2)]
        await said(
            memories,
            ("ada", "Which colour has your bicycle?", moments[0]),
            ("bob", reply, moments[1]),
        )
        first = await memories.recall(Query(text=question))
        (replied,) = [one.memory.id for one in first.recollections if one.memory.content == reply]
        await memories.forget([replied])
        if asked_between:
            assert reply not in await ask(memories, question)
        await memories.restore([replied])
        assert reply in await ask(memories, question)


async def test_the_newer_of_two_versions_of_a_fact_comes_first(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        for day, place in enumerate(("Lisbon", "Oslo", "Turin")):
            at = START + timedelta(days=day)
            await memories.remember([Draft(content=f"Tom lives in {place}.", at=at)])
        answer = await memories.recall(Query(text="Where does Tom live?"))
        found = [one.memory.content for one in answer.recollections]
        assert found == ["Tom lives in Turin.", "Tom lives in Oslo.", "Tom lives in Lisbon."]
        falling = [one.relevance for one in answer.recollections]
        assert falling == sorted(falling, reverse=True)


async def test_of_two_that_contradict_each_other_the_newer_comes_first_whatever_else_they_say(
    tmp_path: Path,
) -> None:
    """Their contents are not alike; that one says otherwise was found by entity, attribute and time."""
    older = "Anna Smith works at Siemens, in the turbine department of the Erlangen office."
    newer = (
        "Anna Smith works at Bosch, in another office. The canteen there is famous for its noodles."
    )
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await memories.remember([Draft(content=older, at=START)])
        (new,) = await memories.remember([Draft(content=newer, at=START + timedelta(days=9))])
        assert [one.attribute for one in new.updates] == ["works at"]
        asked = "In which department of the Siemens office in Erlangen does Anna Smith work?"
        assert await ask(memories, asked) == [newer, older]
        why = await memories.recall(Query(text=asked, limit=20, explain=True))
        scores = [one.why.score for one in why.recollections if one.why]
        assert scores[0] < scores[1] - 0.15, "the question is nearer to the older"


async def test_the_score_is_the_sum_of_what_is_explained(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Ada likes green tea.", "Bob likes tea.")
        answer = await memories.recall(Query(text="green tea", explain=True))
        for one in answer.recollections:
            assert one.why is not None
            assert one.why.score == pytest.approx(sum(one.why.signals.values()))


# Answers that are given again


async def test_each_write_makes_an_answer_anew(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await keep(memories, "The key is under the mat.")
        asked = "Where is the key?"
        assert await ask(memories, asked) == ["The key is under the mat."]
        (second,) = await keep(memories, "The key is in the shed.")
        assert set(await ask(memories, asked)) == {
            "The key is under the mat.",
            "The key is in the shed.",
        }
        await memories.forget([first])
        assert await ask(memories, asked) == ["The key is in the shed."]
        await memories.restore([first])
        assert len(await ask(memories, asked)) == 2
        await memories.forget([first], ForgetMode.ERASE)
        await memories.revise(second, Revision(content="The key is with the neighbour."))
        assert await ask(memories, asked) == ["The key is with the neighbour."]


async def test_an_answer_is_not_given_again_when_something_in_it_has_expired(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.remember(
            [
                Draft(content="The code is 4711.", expires_in=3600),
                Draft(content="The code is secret."),
            ]
        )
        assert len(await ask(memories, "code")) == 2
        assert len(await ask(memories, "code")) == 2
        clock.pass_days(0.1)
        assert await ask(memories, "code") == ["The code is secret."]


async def test_an_answer_is_one_tenants(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        await keep(ada, "Ada's key is under the mat.")
        assert await ask(ada, "key") == ["Ada's key is under the mat."]
        assert await ask(bob, "key") == []
        await keep(bob, "Bob's key is in the shed.")
        for _ in range(2):
            assert await ask(ada, "key") == ["Ada's key is under the mat."]
            assert await ask(bob, "key") == ["Bob's key is in the shed."]


async def test_a_repeated_question_is_not_sought_again_and_counts_as_a_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("ada")
        await keep(memories, "The key is under the mat.")
        for _ in range(3):
            await ask(memories, "key")
        status = await engine.status("ada")
        assert (status.answers.again, status.answers.sought) == (2, 1)
