"""Ranking by words: whole scores, and little work where words are common; by FTS5, and by postings."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledgers import NOW as START
from support.ledgers import a_dated

from loci.server.ledger import (
    NewMemory,
    Sight,
    TenantLedger,
    open_ledger,
    question_terms,
    terms_of,
)
from loci.server.model import Filters

pytestmark = pytest.mark.anyio

MANY = 1600
"""More than are ranked for one word."""


@pytest.fixture(params=["fts5", "postings"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who ranks: postings are made of whatever there is."""
    monkeypatch.setattr("loci.server.ledger.words._FROM", 1)
    monkeypatch.setattr("loci.server.ledger.words._PAUSE", 0)
    return str(request.param)


@asynccontextmanager
async def _ledger(
    home: Path, new: Sequence[NewMemory] = (), by: str = "fts5"
) -> AsyncGenerator[TenantLedger]:
    async with open_ledger(home / "ledger.db") as ledger:
        tenant = await ledger.for_tenant("somebody", model="m", dimension=4)
        for start in range(0, len(new), 500):
            await tenant.store(new[start : start + 500], START)
        if by == "postings":
            await tenant.words.match("", [_sight()], 1)
            await tenant.words.renew()
            assert tenant.words.held
        yield tenant


def _sight(days: float = 1, *, session: str | None = None) -> Sight:
    return Sight(filters=Filters(session=session), now=START + timedelta(days=days))


async def _found(tenant: TenantLedger, question: str, limit: int = 100) -> dict[int, float]:
    (found,) = await tenant.words.match(question, [_sight()], limit)
    return dict(found)


def _crowd(*last: str) -> list[NewMemory]:
    """Two words that are in almost every memory, then some memories of one's own."""
    texts = [f"Harbour lantern number {n}." for n in range(MANY)]
    return [a_dated(n, text) for n, text in enumerate([*texts, *last])]


async def test_a_rare_word_selects_and_the_common_ones_add_to_its_score(tmp_path: Path) -> None:
    crowd = _crowd("A walrus came.", "A walrus, harbour.", "Nothing of the kind.")
    crowd += [a_dated(MANY + 3 + n, f"A walrus, again {n}.") for n in range(200)]
    # Else half of all have the common word, and BM25 gives it no weight.
    crowd += [a_dated(MANY + 203 + n, f"Something else, {n}.") for n in range(2 * MANY)]
    async with _ledger(tmp_path, crowd) as tenant:
        found = await _found(tenant, "walrus harbour")
        alone = await _found(tenant, "walrus")
        common = await _found(tenant, "harbour", limit=MANY + 1)
    both = MANY + 2
    assert next(iter(found)) == both
    assert set(found) <= {MANY + 1, both, *range(MANY + 4, MANY + 204)}
    assert found[both] == pytest.approx(alone[both] + common[both])
    others = (found.keys() & alone.keys()) - {both}
    assert others
    assert all(found[seq] == pytest.approx(alone[seq]) for seq in others)


async def test_too_few_selected_are_filled_up_by_common_words(tmp_path: Path, by: str) -> None:
    async with _ledger(tmp_path, _crowd("A walrus came."), by) as tenant:
        found = await _found(tenant, "walrus harbour lantern")
    assert len(found) == 100
    assert next(iter(found)) == MANY + 1


async def test_a_question_of_common_words_alone_is_answered(tmp_path: Path, by: str) -> None:
    async with _ledger(tmp_path, _crowd(), by) as tenant:
        assert len(await _found(tenant, "harbour lantern")) == 100


async def test_a_filter_finds_what_only_common_words_lead_to(tmp_path: Path, by: str) -> None:
    crowd = _crowd(*(f"A walrus, again {n}." for n in range(300)))
    mine = a_dated(0, "The harbour is mine.", session="mine")
    async with _ledger(tmp_path, [*crowd, mine], by) as tenant:
        (found,) = await tenant.words.match("walrus harbour", [_sight(session="mine")], 100)
    assert [one.seq for one in found] == [len(crowd) + 1]


@pytest.mark.parametrize(
    "question", ["", "?!", "_", "unheard of", '" OR "', "NEAR(a b)", "日本 zebra*"]
)
async def test_words_that_are_nowhere_find_nothing(tmp_path: Path, question: str, by: str) -> None:
    async with _ledger(tmp_path, [a_dated(0, "One memory.")], by) as tenant:
        assert await _found(tenant, question) == {}


WORDS = ("amber", "birch", "cedar", "delta", "ember", "falcon")


@settings(max_examples=20, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), max_size=30),
    asked=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True),
)
def test_few_memories_are_found_if_and_only_if_they_have_a_word(
    texts: list[list[str]], asked: list[str]
) -> None:
    async def run() -> None:
        new = [a_dated(n, f"{' '.join(text)} {n}") for n, text in enumerate(texts)]
        with TemporaryDirectory() as home:
            async with _ledger(Path(home), new) as tenant:
                found = await _found(tenant, " ".join(asked))
        assert set(found) == {n + 1 for n, text in enumerate(texts) if set(text) & set(asked)}
        assert list(found.values()) == sorted(found.values(), reverse=True)

    anyio.run(run)


async def _active(tenant: TenantLedger, days: float = 1) -> list[int]:
    return [row.seq for row in await tenant.most_active(_sight(days), 3)]


async def test_the_most_active_follow_uses_new_memories_and_time(tmp_path: Path) -> None:
    """Among so many that not all are looked at each time."""
    new = [a_dated(n, f"Memory {n}.") for n in range(5200)]
    async with _ledger(tmp_path, new) as tenant:
        assert await _active(tenant) == [5200, 5199, 5198]
        await tenant.rehearse({7: 5, 9: 4}, START)
        assert await _active(tenant) == [7, 9, 5200]
        await tenant.store([a_dated(5200, "Newer."), a_dated(0, "Pinned.", pinned=True)], START)
        assert await _active(tenant) == [5202, 7, 9]
        assert await _active(tenant, days=2) == [5202, 7, 9]
        ids = [row.memory.id for row in await tenant.most_active(_sight(), 2)]
        await tenant.mark_deleted(ids, START, START)
        assert await _active(tenant) == [9, 5201, 5200]
        await tenant.restore(ids)
        assert await _active(tenant) == [5202, 7, 9]


async def test_pages_go_through_all_tiers_newest_first(tmp_path: Path) -> None:
    new = [a_dated(n, f"Memory {n}.") for n in range(10)]
    async with _ledger(tmp_path, new) as tenant:
        await tenant.archive([one.memory.id for one in new[::2]])
        first = [row.seq for row in await tenant.page(_sight(), None, 4)]
        rest = [row.seq for row in await tenant.page(_sight(), first[-1], 10)]
    assert [*first, *rest] == list(range(10, 0, -1))


async def test_scripts_without_spaces_are_found_by_their_pieces(tmp_path: Path, by: str) -> None:
    texts = [
        "我的猫叫小花，今年三岁。",
        "東京2024年の会議は中止です。",
        "서울에서 만났어요.",
        "A cat.",
    ]
    async with _ledger(
        tmp_path, [a_dated(n, text) for n, text in enumerate(texts, 1)], by
    ) as tenant:
        assert next(iter(await _found(tenant, "小花是谁？"))) == 1
        assert list(await _found(tenant, "猫")) == [1]
        assert list(await _found(tenant, "会議")) == [2]
        assert list(await _found(tenant, "2024")) == [2]
        assert list(await _found(tenant, "서울")) == [3]
        assert list(await _found(tenant, "cat")) == [4]


async def test_a_quoted_phrase_counts_as_a_word_of_its_own(tmp_path: Path, by: str) -> None:
    texts = [
        "The black swan sank.",
        "Swan, black; black, swan: black.",
        "「東京大学」の学生",
        "東京の大学",
    ]
    async with _ledger(
        tmp_path, [a_dated(n, text) for n, text in enumerate(texts, 1)], by
    ) as tenant:
        plain = await _found(tenant, "black swan")
        assert max(plain, key=plain.__getitem__) == 2
        quoted = await _found(tenant, 'which "Black swan" sank')
        assert max(quoted, key=quoted.__getitem__) == 1
        university = await _found(tenant, "「東京大学」とは")
        assert university[3] > university[4]


async def test_what_occurs_nowhere_is_told(tmp_path: Path, by: str) -> None:
    async with _ledger(tmp_path, [a_dated(1, "Ada's labradors came to 京都.")], by) as tenant:
        asked = ["ada", "labrador", "京都", "zoe", "labradors came", "came labradors"]
        assert await tenant.words.absent(asked) == ["zoe", "came labradors"]
        assert await tenant.words.absent([]) == []


async def test_pieces_that_are_erased_lead_nowhere(tmp_path: Path) -> None:
    new = a_dated(1, "我的猫叫小花。")
    async with _ledger(tmp_path, [new]) as tenant:
        assert not (await tenant.erasure.erase([new.memory.id])).words_left
        assert await tenant.words.absent(["小花", "猫"]) == ["小花", "猫"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_part_of_a_text_is_among_its_terms(before: str, after: str) -> None:
    said = set(terms_of(f"{before} 京都大学 {after}"))
    assert said.issuperset(question_terms("京都大学 京 都"))
