"""recall says what it does not know, cuts what is too long, and says nothing twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.engines import START, ask, keep, open_memories

from loci.server.embedding import shipped
from loci.server.engine import Limits
from loci.server.model import PLAIN, Draft, Kind, Query, Recall
from loci.server.model.render import recall_dict
from loci.server.retrieval.choice import Choice

pytestmark = pytest.mark.anyio

LONG = " ".join(
    [
        *(f"The meeting went on about point {n} of the agenda." for n in range(60)),
        "Then Ada said that the harbour crane weighs ninety tonnes.",
        *(f"And then about point {n} once more." for n in range(60)),
    ]
)


@pytest.mark.parametrize(
    ("question", "absent"),
    [
        ("Where did Zoe go with Ada?", ("Zoe",)),
        ("Did Ada see Oslo in March?", ()),
        ("Did Ada see Turin?", ("Turin",)),
        ('What does \'loci 4.2\' say of "blue moon" and "the train"?', ("blue moon", "4.2")),
        ("Zoe?", ()),
        ("what did zoe do", ()),
    ],
)
async def test_the_names_that_occur_nowhere_are_told(
    tmp_path: Path, question: str, absent: tuple[str, ...]
) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Ada took the train to Oslo.", "Bob stayed.")
        answer = await memories.recall(Query(text=question))
        assert answer.absent == absent
        assert recall_dict(answer).get("absent", []) == list(absent)


async def test_it_is_said_why_nothing_is_relevant(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        empty = await memories.recall(Query(text="anything"))
        assert empty.reason.startswith("No memory is there")
        await keep(memories, "Ada took the train to Oslo.")
        far = await memories.recall(Query(text="How do quarks bind in a proton?"))
        assert (far.nothing_relevant, far.considered) == (True, 1)
        assert far.reason == "None of the nearest memories is about this."
        near = await memories.recall(Query(text="Where did the train take Ada?"))
        assert (near.nothing_relevant, near.reason) == (False, "")


async def test_who_asks_plainly_gets_what_is_likely_and_who_asks_for_more_the_rest_as_well(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path, embedder=shipped()) as memories:
        cluster = "Deploys services to a Kubernetes cluster on EKS. Uses Helm charts."
        nodes = "CI runs on GitHub Actions. Merge to main triggers a deploy to staging."
        cache = "Redis is used as a cache and rate-limiter in the backend. Single-node."
        await keep(memories, cache, cluster, nodes, "The frontend is React 18 with Tailwind.")
        text = "How does Kubernetes schedule pods across our CI nodes?"
        plain = await memories.recall(Query(text=text))
        assert [one.memory.content for one in plain.recollections] == [cluster, nodes]
        assert (plain.omitted, plain.nothing_relevant) == (1, False)
        wide = await memories.recall(Query(text=text, limit=PLAIN + 1))
        assert [one.memory.content for one in wide.recollections] == [cluster, nodes, cache]
        assert wide.omitted == 0
        assert wide.recollections[:2] == plain.recollections


async def test_what_is_only_likely_enough_for_a_wide_answer_is_told_of(tmp_path: Path) -> None:
    choice = Limits(choice=Choice(least=0.9))
    async with open_memories(tmp_path, embedder=shipped(), limits=choice) as memories:
        await keep(memories, "Ada took the train to Oslo.")
        plain = await memories.recall(Query(text="Has Ada been abroad?"))
        assert (plain.nothing_relevant, plain.omitted) == (True, 1)
        assert plain.reason.endswith(f"a limit above {PLAIN} brings what may.")
        wide = await memories.recall(Query(text="Has Ada been abroad?", limit=PLAIN + 1))
        assert len(wide.recollections) == 1


async def test_scripts_without_spaces_are_recalled_by_a_part(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(
            memories,
            "会議は火曜日に東京で開かれます。",
            "猫の名前は小花です。",
            "The tea is green.",
        )
        assert (await ask(memories, "東京"))[0].startswith("会議")
        assert (await ask(memories, "猫の名前"))[0].startswith("猫")


async def test_a_quoted_phrase_decides(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        # BM25 gives no weight to what half of all have.
        others = [f"Something else, {n}." for n in range(20)]
        await keep(memories, "The swan is black, a black swan.", "The swan black is.", *others)
        answers = [
            (await memories.recall(Query(text=text, limit=20, explain=True))).recollections[:2]
            for text in ("black swan", '"black swan"')
        ]
        plain, quoted = [[one.why.signals["words"] for one in a if one.why] for a in answers]
        assert quoted[0] / quoted[1] > 1.2 * plain[0] / plain[1]


async def _within(tmp_path: Path, budget: int, *texts: str) -> Recall:
    async with open_memories(tmp_path) as memories:
        await keep(memories, *texts)
        query = Query(text="How heavy is the harbour crane?", limit=20, max_tokens=budget)
        return await memories.recall(query)


async def test_a_long_memory_is_cut_about_what_is_asked(tmp_path: Path) -> None:
    answer = await _within(tmp_path, 300, LONG, "The harbour is deep.")
    cut, whole = sorted(answer.recollections, key=lambda one: one.excerpt is None)
    assert cut.excerpt is not None
    assert "harbour crane weighs ninety tonnes" in cut.excerpt
    assert cut.excerpt.startswith("… ")
    assert cut.excerpt.endswith(" …")
    assert (whole.excerpt, whole.memory.content) == (None, "The harbour is deep.")
    shown = recall_dict(answer)["recollections"]
    assert [one.get("excerpt", False) for one in shown].count(True) == 1
    assert answer.tokens <= 300


async def test_what_fits_is_never_cut(tmp_path: Path) -> None:
    answer = await _within(tmp_path, 5000, LONG, "The harbour is deep.")
    assert [one.excerpt for one in answer.recollections] == [None, None]


async def test_one_endless_sentence_is_cut_at_a_word(tmp_path: Path) -> None:
    answer = await _within(tmp_path, 150, "harbour crane " * 2000)
    (only,) = answer.recollections
    assert only.excerpt is not None
    assert only.excerpt.removesuffix(" …").split()[-1] in ("harbour", "crane")


async def test_the_same_words_are_shown_once_but_each_day_that_they_happened(
    tmp_path: Path,
) -> None:
    days = [START + timedelta(days=n) for n in range(3)]
    async with open_memories(tmp_path) as memories:
        await memories.remember(
            [
                *(Draft(content="Ada likes tea.", speaker="ada", at=day) for day in days),
                Draft(content="ada likes tea!", speaker="ada"),
                Draft(content="Ada likes tea.", speaker="bob"),
                *(Draft(content="A run.", at=day, kind=Kind.EPISODIC) for day in days),
            ]
        )
        assert len(await ask(memories, "Ada likes tea")) == 2
        assert await ask(memories, "a run") == ["A run."] * 3
