"""recall: the right memories, filtered, within its budget, and nothing when nothing fits."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.engines import START, Clock, ask, keep, open_memories

from loci.server.embedding import shipped
from loci.server.errors import InvalidInput
from loci.server.model import Draft, Filters, ForgetMode, Kind, Query, Revision, Tier
from loci.server.model.render import compact, recall_dict
from loci.server.tokens import TokenCounter

pytestmark = pytest.mark.anyio

FACTS = (
    "Melanie's daughter plays the violin in the school orchestra.",
    "The production database is PostgreSQL 16 on port 5433.",
    "Tom is allergic to peanuts.",
    "Deployments are frozen in the last week of December.",
    "The office plants are watered on Fridays.",
)


async def test_meaning_finds_what_no_word_does(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await keep(memories, *FACTS)
        assert (await ask(memories, "Which instrument does the girl learn?"))[0] == FACTS[0]
        assert (await ask(memories, "Are there foods he must avoid?"))[0] == FACTS[2]


async def test_words_find_what_meaning_does_not(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await keep(memories, *FACTS, "Ticket XK-4471 was closed.", "Ticket XK-9120 was closed.")
        assert (await ask(memories, "XK-4471"))[0] == "Ticket XK-4471 was closed."
        assert (await ask(memories, "port 5433"))[0] == FACTS[1]


async def test_forms_of_a_word_are_one_word(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "She was running marathons.", "The tea is green.")
        assert (await ask(memories, "Who runs a marathon?"))[0] == "She was running marathons."


async def test_nothing_relevant_is_said_when_nothing_is(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await keep(memories, *FACTS)
        answer = await memories.recall(Query(text="How do quarks bind in a proton?"))
        assert answer.nothing_relevant
        assert answer.recollections == ()
        assert answer.considered > 0


async def test_an_empty_store_answers_honestly(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for text in ("anything", ""):
            answer = await memories.recall(Query(text=text))
            assert (answer.recollections, answer.nothing_relevant) == ((), True)


async def test_an_empty_question_gets_the_most_active_pinned_first(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.remember([Draft(content="Pinned long ago.", pinned=True)])
        clock.pass_days(1)
        await keep(memories, "Used often.", "Used never.")
        for _ in range(5):
            await keep(memories, "Used often.")
        assert await ask(memories, "") == ["Pinned long ago.", "Used often.", "Used never."]


async def test_each_filter_narrows_the_answer(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        at = START + timedelta(days=5)
        drafts = {
            "kind": Draft(content="note kind", kind=Kind.EPISODIC, at=at),
            "tags": Draft(content="note tags", tags=("Red", "blue"), at=at),
            "namespace": Draft(content="note namespace", namespace="work/loci/api", at=at),
            "entity": Draft(content="note entity", entities=("Ada Lovelace",), at=at),
            "session": Draft(content="note session", session="s-1", at=at),
            "early": Draft(content="note early", at=START),
            "late": Draft(content="note late", at=START + timedelta(days=9)),
        }
        await memories.remember(list(drafts.values()))
        cases = {
            "kind": Filters(kind=Kind.EPISODIC),
            "tags": Filters(tags=("red", "BLUE")),
            "namespace": Filters(namespace="work/loci"),
            "entity": Filters(entity="ada  lovelace"),
            "session": Filters(session="s-1"),
            "early": Filters(until=at),
            "late": Filters(since=at + timedelta(days=1)),
        }
        for name, filters in cases.items():
            assert await ask(memories, "note", filters) == [f"note {name}"], name
        both = Filters(tags=("red", "green"))
        assert await ask(memories, "note", both) == []
        assert await ask(memories, "note", Filters(namespace="work/lo")) == []


async def test_a_filter_reaches_every_match_however_deep_it_ranks(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        many = [Draft(content=f"The river is wide, part {n}.") for n in range(600)]
        for start in range(0, 600, 100):
            await memories.remember(many[start : start + 100])
        await memories.remember([Draft(content="A wide, slow and muddy river.", tags=("rare",))])
        assert await ask(memories, "The river is wide", Filters(tags=("rare",))) == [
            "A wide, slow and muddy river."
        ]


async def test_archived_memories_are_found_by_their_words_and_on_request(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        (violin,) = await keep(memories, FACTS[0])
        await memories.forget([violin], ForgetMode.ARCHIVE)
        assert await ask(memories, "Which instrument does the girl learn?") == []
        assert await ask(memories, "violin") == [FACTS[0]]
        assert await ask(memories, "violin", Filters(tier=Tier.COLD)) == [FACTS[0]]
        assert await ask(memories, "violin", Filters(tier=Tier.WARM)) == []
        answer = await memories.recall(Query(text="violin"))
        assert answer.recollections[0].tier is Tier.COLD


async def test_as_of_shows_what_was_true_then(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (paris,) = await keep(memories, "Ada lives in Paris.")
        clock.pass_days(10)
        await memories.remember([Draft(content="Ada lives in Rome.", supersedes=(paris,))])

        async def then(days: float) -> list[str]:
            return await ask(memories, "Ada lives", Filters(as_of=START + timedelta(days=days)))

        assert await then(-1) == []
        assert await then(5) == ["Ada lives in Paris."]
        assert await then(11) == ["Ada lives in Rome."]


async def test_known_at_shows_what_the_ledger_believed_then(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (job,) = await memories.remember(
            [Draft(content="Ada works at Acme.", at=START - timedelta(days=300))]
        )
        clock.pass_days(10)
        await memories.revise(job.id, Revision(content="Ada works at Initech."))

        async def then(days: float) -> list[str]:
            return await ask(memories, "Ada works", Filters(known_at=START + timedelta(days=days)))

        assert await then(-1) == []
        assert await then(5) == ["Ada works at Acme."]
        assert await then(11) == ["Ada works at Initech."]


async def test_an_expired_memory_never_comes_back_as_current(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        await memories.remember([Draft(content="The code is 1234.", expires_in=3600)])
        assert await ask(memories, "code") == ["The code is 1234."]
        clock.pass_days(1)
        assert await ask(memories, "code") == []
        assert await ask(memories, "") == []
        assert await ask(memories, "code", Filters(as_of=START + timedelta(minutes=5))) == [
            "The code is 1234."
        ]


async def test_explain_gives_the_signals(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, *FACTS)
        plain = await memories.recall(Query(text="peanuts"))
        told = await memories.recall(Query(text="peanuts", explain=True))
        assert plain.recollections[0].why is None
        why = told.recollections[0].why
        assert why is not None
        assert why.bm25 is not None
        assert why.bm25 > 0
        assert 0 < why.score <= 1


async def test_recall_is_a_use_that_strengthens_a_memory(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (peanuts,) = await keep(memories, FACTS[2])
        await ask(memories, "peanuts")
    async with open_memories(tmp_path) as memories:
        assert (await memories.get(peanuts)).uses == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query(text="x", limit=0), "limit: give 1 to 100."),
        (Query(text="x", limit=101), "limit: give 1 to 100."),
        (Query(text="x", max_tokens=10), "max_tokens: give 100 to 100000."),
        (Query(text="\0"), "query: it contains a NUL character; remove it."),
        (Query(text="\udc00"), "query: it contains half a character"),
        (Query(text="x", filters=Filters(tags=("",))), "tags: give 1 to 200 characters."),
        (
            Query(text="x", filters=Filters(since=START, until=START)),
            "since: it is not before until; swap them.",
        ),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(
    tmp_path: Path, query: Query, message: str
) -> None:
    async with open_memories(tmp_path) as memories:
        with pytest.raises(InvalidInput) as refusal:
            await memories.recall(query)
        assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("question", ['"', "AND OR NOT", "a*", "col:x", "(((", "^x", "NEAR(a b)"])
async def test_no_question_is_read_as_a_query_language(tmp_path: Path, question: str) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Plain text about a col.")
        await ask(memories, question)


async def test_a_very_long_question_is_answered(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        await keep(memories, *FACTS)
        long = "peanuts " + " ".join(f"word{n}" for n in range(5000))
        assert not (await memories.recall(Query(text=long))).nothing_relevant


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    texts=st.lists(st.text('abc déf日本\U0001f600\n"\\', min_size=1, max_size=300), max_size=12),
    budget=st.integers(100, 1500),
    limit=st.integers(1, 20),
    quoted=st.text("ab 日本\U0001f600", max_size=400),
)
async def test_the_budget_holds_to_the_token(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], budget: int, limit: int, quoted: str
) -> None:
    counter = TokenCounter()
    async with open_memories(tmp_path_factory.mktemp("budget")) as memories:
        drafts = [Draft(content=f"fact {n} {text}") for n, text in enumerate(texts)]
        if drafts:
            await memories.remember(drafts)
        # What is absent counts as well.
        query = Query(text=f'fact "{quoted}" Zoe', limit=limit, max_tokens=budget)
        answer = await memories.recall(query)
        tokens = counter.count(compact(recall_dict(answer)))
        assert answer.tokens == tokens <= budget
        assert len(answer.recollections) <= limit
        whole = {draft.content for draft in drafts}
        assert all(one.memory.content in whole for one in answer.recollections)
        cuts = [one for one in answer.recollections if one.excerpt is not None]
        assert all(str(one.excerpt).strip("… ") in one.memory.content for one in cuts)
