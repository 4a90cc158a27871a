"""Postings in memory rank as FTS5 does: the same versions, the same scores."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledgers import NOW as START
from support.ledgers import a_dated

from loci.server.errors import StoreError
from loci.server.ledger import NewMemory, Sight, TenantLedger, open_ledger
from loci.server.ledger.postings import Postings
from loci.server.ledger.ranking import Match, search
from loci.server.ledger.vocabulary import Stems, read_postings, stems
from loci.server.ledger.words import Held
from loci.server.model import Filters

pytestmark = pytest.mark.anyio

SIGHT = Sight(filters=Filters(), now=START + timedelta(days=1))
LIMIT = 40
WORDS = [
    *(
        "harbour",
        "harbours",
        "Ada's",
        "café",
        "snake_case",
        "ÉTÉ",
        "3rd",
        "小花",
        "京都大学",
        "서울에서",
    ),
    *("the", "state-of-the-art", "x_", "__", "ﬁne", "naïve"),
]
"""What FTS5 stems, folds, splits or leaves out."""

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
questions = st.tuples(texts, texts).map(lambda pair: f'{pair[0]} "{pair[1]}"') | texts


@pytest.fixture(autouse=True)
def made_of_whatever_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loci.server.ledger.words._FROM", 1)
    monkeypatch.setattr("loci.server.ledger.words._PAUSE", 0)


def harbours(count: int, start: int = 0) -> list[NewMemory]:
    return [a_dated(n, f"Harbour {n}.") for n in range(start, start + count)]


@asynccontextmanager
async def tenant_of(home: Path, new: Sequence[NewMemory]) -> AsyncGenerator[TenantLedger]:
    async with open_ledger(home / "ledger.db") as ledger:
        tenant = await ledger.for_tenant("somebody", model="m", dimension=4)
        # Words of another tenant are none of this one's.
        other = await ledger.for_tenant("other", model="m", dimension=4)
        await other.store([a_dated(1, "harbour harbour café")], START)
        await tenant.store(new, START)
        yield tenant


async def renew(tenant: TenantLedger) -> None:
    await tenant.words.match("", [SIGHT], 1)
    await tenant.words.renew()


async def hold(tenant: TenantLedger) -> None:
    await renew(tenant)
    assert tenant.words.held


async def found(tenant: TenantLedger, question: str, sight: Sight = SIGHT) -> dict[int, float]:
    (matches,) = await tenant.words.match(question, [sight], LIMIT)
    return dict(matches)


def in_session(name: str) -> Sight:
    return replace(SIGHT, filters=Filters(session=name))


@settings(max_examples=40, deadline=None)
@given(
    told=st.lists(st.tuples(texts, st.sampled_from("ab")), min_size=1, max_size=30),
    gone=st.sets(st.integers(0, 29), max_size=5),
    asked=st.lists(questions, min_size=1, max_size=4),
)
def test_versions_and_scores_are_those_of_fts5(
    told: list[tuple[str, str]], gone: set[int], asked: list[str]
) -> None:
    async def run() -> None:
        new = [a_dated(n, f"{text} {n}", session=session) for n, (text, session) in enumerate(told)]
        with TemporaryDirectory() as home:
            async with tenant_of(Path(home), new) as tenant:
                ids = [new[n].memory.id for n in gone if n < len(new)]
                await tenant.mark_deleted(ids, START, START)
                sights = [SIGHT, in_session("a")]
                wanted = [await found(tenant, one, s) for one in asked for s in sights]
                await hold(tenant)
                for expected, got in zip(
                    wanted,
                    [await found(tenant, one, s) for one in asked for s in sights],
                    strict=True,
                ):
                    assert got == pytest.approx(expected, rel=1e-5)
                    assert list(got.values()) == sorted(got.values(), reverse=True)

    anyio.run(run)


async def test_what_is_stored_later_is_found_and_taken_in_when_it_is_much(tmp_path: Path) -> None:
    new = harbours(20)
    async with tenant_of(tmp_path, new) as tenant:
        await hold(tenant)
        (stored,), _ = await tenant.store([a_dated(21, "A walrus in the harbour.")], START)
        assert stored.id
        assert max(await found(tenant, "walrus harbour"), default=0) == 22
        before = await found(tenant, "walrus")
        for n in range(22, 30):
            await tenant.store([a_dated(n, f"A walrus {n}.")], START)
        await hold(tenant)
        after = await found(tenant, "walrus")
        assert len(after) == 9
        # It is not as rare any more.
        assert after[22] < before[22]


async def test_nothing_is_made_that_nobody_asked_for_or_that_is_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        await tenant.words.renew()
        assert not tenant.words.held
        monkeypatch.setattr("loci.server.ledger.words._FROM", 21)
        await found(tenant, "harbour")
        await tenant.words.renew()
        assert not tenant.words.held


async def test_who_loses_them_at_once_waits_before_they_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.words._PAUSE", 1e9)
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        await hold(tenant)
        tenant.words.drop()
        await found(tenant, "harbour")
        await tenant.words.renew()
        assert not tenant.words.held
        assert len(await found(tenant, "harbour")) == 20


async def test_what_is_erased_is_not_held_even_if_it_was_read_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = harbours(20)
    async with tenant_of(tmp_path, new) as tenant:
        await hold(tenant)
        tenant.words.drop()
        assert not tenant.words.held
        assert len(await found(tenant, "harbour")) == 20

        def read_then_erase(path: Path, *cells: Any) -> Postings | None:
            made = read_postings(path, *cells)
            anyio.from_thread.run_sync(tenant.words.drop)
            return made

        monkeypatch.setattr("loci.server.ledger.words.read_postings", read_then_erase)
        await tenant.words.renew()
        assert not tenant.words.held


async def test_what_takes_too_much_is_left_to_fts5(tmp_path: Path) -> None:
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        path = tmp_path / "ledger.db"
        made = read_postings(path, 1, 1 << 20)
        assert made is not None
        assert made.nbytes < 2000
        assert read_postings(path, 1, 100) is None
        assert len(await found(tenant, "harbour")) == 20


async def test_whose_were_not_used_for_the_longest_go_first(tmp_path: Path) -> None:
    async with tenant_of(tmp_path, [a_dated(1, "A harbour.")]):
        made = read_postings(tmp_path / "ledger.db", 1, 1 << 20)
    assert made is not None
    held = Held(2 * made.nbytes)
    held.put("a", made)
    held.put("b", made)
    assert held.get("a") is made
    held.put("c", made)
    assert [owner in held for owner in "abc"] == [True, False, True]


@pytest.mark.parametrize("text", ["一" * 11_000, "a" * 40_000, "\U0001f600" * 9000])
async def test_tokens_that_fts5_cuts_are_read(tmp_path: Path, text: str) -> None:
    new = [a_dated(1, "A harbour."), a_dated(2, f"{text} harbour")]
    async with tenant_of(tmp_path, new) as tenant:
        wanted = await found(tenant, "harbour")
        await hold(tenant)
        assert await found(tenant, "harbour") == pytest.approx(wanted, rel=1e-5)


async def test_reading_ends_when_it_is_stopped_or_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.vocabulary._STEPS", 10)
    path = tmp_path / "ledger.db"
    async with tenant_of(tmp_path, harbours(20)):
        assert read_postings(path, 1, 1 << 20) is not None
        assert read_postings(path, 1, 1 << 20, lambda _: True) is None
        monkeypatch.setattr("loci.server.ledger.vocabulary._LONGEST", -1.0)
        assert read_postings(path, 1, 1 << 20) is None


@pytest.mark.parametrize(("seconds", "left"), [(0.0, False), (3600.0, True)])
async def test_who_reads_long_gives_way_to_the_erasures_of_others_and_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, *, left: bool
) -> None:
    monkeypatch.setattr("loci.server.ledger.words._YIELDING", seconds)
    monkeypatch.setattr("loci.server.ledger.vocabulary._STEPS", 10)
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        tenant = await ledger.for_tenant("somebody", model="m", dimension=4)
        other = await ledger.for_tenant("other", model="m", dimension=4)
        await tenant.store(harbours(20), START)

        def erased_meanwhile(*cells: Any) -> Postings | None:
            # By when it is asked whether to go on.
            anyio.from_thread.run_sync(other.words.drop)
            return read_postings(*cells)

        with monkeypatch.context() as patch:
            patch.setattr("loci.server.ledger.words.read_postings", erased_meanwhile)
            await renew(tenant)
            assert tenant.words.held is left
        await hold(tenant)


async def test_what_is_read_is_counted_before_all_of_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.vocabulary._USES", 1)
    path = tmp_path / "ledger.db"
    async with tenant_of(tmp_path, harbours(20)):
        made = read_postings(path, 1, 1 << 20)
        assert made is not None
        assert read_postings(path, 1, made.nbytes) is not None
        weighed: list[object] = []
        monkeypatch.setattr("loci.server.ledger.vocabulary.weighed", weighed.append)
        assert read_postings(path, 1, made.nbytes - 1) is None
        assert not weighed


async def test_what_has_grown_too_large_is_held_and_read_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.ledger.Held", partial(Held, 3000))
    read: list[Path] = []

    def counted(path: Path, *cells: Any) -> Postings | None:
        read.append(path)
        return read_postings(path, *cells)

    monkeypatch.setattr("loci.server.ledger.words.read_postings", counted)
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        await hold(tenant)
        await tenant.store([a_dated(n, f"Walrus {n}.") for n in range(21, 200)], START)
        for _ in range(3):
            assert len(await found(tenant, "harbour")) == 20
            await tenant.words.renew()
            assert not tenant.words.held
        assert len(read) == 2
        # Less may be left after an erasure.
        tenant.words.drop()
        await renew(tenant)
        assert len(read) == 3


async def test_who_may_be_seen_is_found_below_many_who_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.summing.FEW", 2)
    new = [
        *(a_dated(n, "Harbour.", session="a") for n in range(100)),
        *(a_dated(n, f"A harbour with {n} cranes.", session="b") for n in range(100, 105)),
    ]
    async with tenant_of(tmp_path, new) as tenant:
        (wanted,) = await tenant.words.match("harbour", [in_session("b")], 3)
        await hold(tenant)
        assert len(wanted) == 3
        (matches,) = await tenant.words.match("harbour", [in_session("b")], 3)
        assert dict(matches) == pytest.approx(dict(wanted), rel=1e-5)


async def test_what_is_far_behind_is_left_to_fts5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.ledger.summing.FEW", 10)
    ranked: list[object] = []

    def counted(*cells: Any) -> list[Match]:
        ranked.append(cells)
        return search(*cells)

    monkeypatch.setattr("loci.server.ledger.summing.search", counted)
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        await hold(tenant)
        await tenant.store(harbours(10, 20), START)
        assert len(await found(tenant, "harbour")) == 30
        assert not ranked
        await tenant.store(harbours(1, 30), START)
        assert len(await found(tenant, "harbour")) == 31
        assert ranked


async def test_words_of_questions_are_kept_by_nobody_after_an_erasure(tmp_path: Path) -> None:
    async with tenant_of(tmp_path, harbours(20)) as tenant:
        await hold(tenant)
        await found(tenant, "walrus")
        assert len(stems())
        tenant.words.drop()
        assert not len(stems())


async def test_a_tenant_without_memories_has_no_postings(tmp_path: Path) -> None:
    async with tenant_of(tmp_path, []):
        assert read_postings(tmp_path / "ledger.db", 1, 1 << 20) is None


async def test_a_ledger_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        read_postings(tmp_path / "ledger.db", 1, 1 << 20)
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        read_postings(tmp_path / "ledger.db", 1, 1 << 20)


def test_stems_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loci.server.ledger.vocabulary._KNOWN", 2)
    stems = Stems()
    for _ in range(2):
        assert stems.of(["harbours", "the", "x_y", "_", "harbours"]) == [
            *(["harbour"], ["the"], ["x", "y"], [], ["harbour"])
        ]
        assert stems.of(["ponies", "harbours"]) == [["poni"], ["harbour"]]
