"""Warm to cold by budget and by time, cold content compressed, and back to warm when used."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.engines import Clock, ask, keep, open_memories, opened

from loci.server.engine import Limits, Memories
from loci.server.model import (
    Draft,
    Filters,
    ForgetMode,
    NewNote,
    Query,
    Revision,
    Section,
    Tier,
)
from loci.server.tiers import Budget, Warmth

pytestmark = pytest.mark.anyio

LONG = "The harbour master of Port Sel keeps a blue ledger of every ship. " * 8
SPACELESS = "港の管理人は青い帳簿を持っている。" * 15
NO_HOT = Budget(count=0)


def limits(**budget: int) -> Limits:
    return Limits(hot=NO_HOT, warmth=Warmth(budget=Budget(**budget)))


async def cold(memories: Memories) -> list[str]:
    return [one.id for one in (await memories.page(Tier.COLD, limit=100)).memories]


def cells(home: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        return list(ledger.execute(query))


def everything(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


async def test_beyond_its_budget_the_warm_tier_gives_up_the_least_active(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, limits=limits(count=2)) as memories:
        ids = await keep(memories, "An apple.", "A pear.", "A plum.", "A quince.")
        (pin,) = [one.id for one in await memories.remember([Draft(content="P.", pinned=True)])]
        await memories.tidy()
        assert await cold(memories) == [], "they are young"
        clock.pass_days(8)
        await ask(memories, "plum")
        await memories.tidy()
        assert sorted(await cold(memories)) == sorted([ids[0], ids[1], ids[3]])
        assert {one.id for one in (await memories.page(Tier.WARM)).memories} == {ids[2], pin}


async def test_what_is_unused_for_too_long_leaves_even_where_there_is_room(tmp_path: Path) -> None:
    clock = Clock()
    warmth = Warmth(cold_after=timedelta(days=30))
    async with open_memories(tmp_path, clock=clock, limits=Limits(warmth=warmth)) as memories:
        ids = await keep(memories, "An apple.", "A pear.")
        clock.pass_days(31)
        await memories.tidy()
        assert await cold(memories) == [], "they are hot"
    hot = Limits(hot=NO_HOT, warmth=warmth)
    async with open_memories(tmp_path, clock=clock, limits=hot) as memories:
        await memories.tidy()
        assert set(await cold(memories)) == set(ids)


async def test_tokens_are_counted_once_where_a_budget_is_in_tokens(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, limits=limits(tokens=8)) as memories:
        await keep(memories, "One two three four.", "Five six seven eight.")
        clock.pass_days(8)
        await memories.tidy()
        assert len(await cold(memories)) == 1
    assert cells(tmp_path, "SELECT tokens FROM memories") == [(5,), (5,)]


async def test_cold_content_is_compressed_and_still_found_and_comes_back(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, limits=limits(count=1)) as memories:
        (one,) = await keep(memories, LONG)
        await memories.revise(one, Revision(tags=("harbour",)))
        clock.pass_days(1)
        (other,) = await keep(memories, "Somebody else.")
        clock.pass_days(8)
        await ask(memories, "somebody else")
        await memories.tidy()
        assert await cold(memories) == [one]
        rows = cells(
            tmp_path, "SELECT content, length(packed) FROM memories WHERE tags != '[\"x\"]'"
        )
        assert rows[0][0] == rows[1][0] == ""
        assert 0 < int(str(rows[0][1])) < len(LONG) / 3
        assert (await memories.get(one)).content == LONG
        assert [m.content for m in await memories.history(one)] == [LONG, LONG]
        answer = await memories.recall(Query(text="blue ledger"))
        found = {r.memory.id: r for r in answer.recollections}
        assert (found[one].tier, found[one].memory.content) == (Tier.COLD, LONG)
        assert await ask(memories, "harbour", Filters(tier=Tier.COLD)) == [LONG]
        await memories.tidy()
        assert await cold(memories) == []
        assert (await memories.get(one)).tier is Tier.WARM
        assert cells(tmp_path, "SELECT count(*) FROM memories WHERE packed IS NOT NULL") == [(0,)]
        assert (await memories.get(other)).content == "Somebody else."


async def test_what_left_is_out_of_the_vectors_and_back_in_them(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock, limits=limits(count=1), index=True) as engine:
        memories = await engine.for_tenant("somebody")
        await keep(memories, "An apple.", "A pear.")
        clock.pass_days(8)
        await ask(memories, "pear")
        await memories.tidy()
        assert (await engine.index("somebody")).vectors == 1
        await ask(memories, "apple")
        await memories.tidy()
        assert (await engine.index("somebody")).vectors == 2


async def test_an_archived_long_memory_restores_and_revises(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, LONG)
        await memories.forget([one], ForgetMode.ARCHIVE)
        await memories.tidy()
        revised = await memories.revise(one, Revision(importance=0.5))
        assert (revised.content, revised.tier) == (LONG, Tier.COLD)
        await memories.tidy()
        await memories.restore([one])
        assert (await memories.get(one)).content == LONG
        assert await ask(memories, "harbour") == [LONG]


@pytest.mark.parametrize("twin", [False, True], ids=["alone", "beside a twin"])
async def test_nothing_of_an_erased_cold_memory_stays(tmp_path: Path, twin: bool) -> None:
    """Neither its text nor its frame; and what says the same elsewhere is no trace of it."""
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, LONG + "Its number is zq81-7.")
        others = [Draft(content=LONG + "Its number is zq81-7.", namespace="elsewhere")]
        found = [one, *(r.id for r in (await memories.remember(others) if twin else []))]
        await memories.forget(found, ForgetMode.ARCHIVE)
        await memories.tidy()
        (frame,) = cells(tmp_path, f"SELECT packed FROM memories WHERE id = '{one}'")[0]
        assert isinstance(frame, bytes)
        receipt = await memories.forget([one], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        if twin:
            assert (await memories.get(found[1])).content.endswith("zq81-7.")
            return
        traces = (b"zq81-7", b"harbour", b"blue", frame[-24:])
        assert not [trace for trace in traces if trace in everything(tmp_path)]


async def test_what_is_cold_is_found_by_its_pieces_and_erased_with_all_of_them(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path) as memories:
        one, other = await keep(memories, SPACELESS, "青い空。" * 60)
        await memories.forget([one, other], ForgetMode.ARCHIVE)
        await memories.tidy()
        assert cells(tmp_path, "SELECT DISTINCT content FROM memories") == [("",)]
        assert await ask(memories, "帳簿", Filters(tier=Tier.COLD)) == [SPACELESS]
        receipt = await memories.forget([one], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        terms = cells(tmp_path, "SELECT count(*) FROM words_1('\"帳簿\"')")
        assert terms == [(0,)]
        assert "青い空。" in (await ask(memories, "青い", Filters(tier=Tier.COLD)))[0]


async def test_words_that_are_made_anew_are_those_of_packed_contents_too(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        ids = await keep(memories, LONG, SPACELESS)
        await memories.forget(ids, ForgetMode.ARCHIVE)
        await memories.tidy()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '0007'")
        ledger.commit()
    async with open_memories(tmp_path) as memories:
        cold = Filters(tier=Tier.COLD)
        assert await ask(memories, "harbour", cold) == [LONG]
        assert await ask(memories, "帳簿", cold) == [SPACELESS]
        receipt = await memories.forget(ids, ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()


async def test_notes_that_say_what_an_erased_cold_memory_says_go_with_it(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        new = NewNote(session="monday", section=Section.EXAMPLE, content=LONG.strip())
        source = (await memories.note(new)).id
        (one,) = (await memories.promote("monday", [source])).memories.values()
        same = (await memories.note(replace(new, session="other"))).id
        await memories.forget([one], ForgetMode.ARCHIVE)
        await memories.tidy()
        assert cells(tmp_path, "SELECT content FROM memories") == [("",)]
        receipt = await memories.forget([one], ForgetMode.ERASE)
        assert set(receipt.notes) == {source, same}
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert b"harbour" not in everything(tmp_path)


async def test_a_frame_that_stayed_is_found(tmp_path: Path) -> None:
    """The scan sees through the compression: it would tell."""
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, LONG)
        await memories.forget([one], ForgetMode.ARCHIVE)
        await memories.tidy()
        (frame,) = cells(tmp_path, "SELECT packed FROM memories")[0]
        assert isinstance(frame, bytes)
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
            ledger.execute("CREATE TABLE stray (frame BLOB)")
            ledger.execute("INSERT INTO stray VALUES (?)", (frame,))
            ledger.commit()
        receipt = await memories.forget([one], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert "ledger.db: packed text" in receipt.residue.found


async def test_the_hot_text_stays_the_same_while_its_contents_do(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        (first, *_) = await keep(memories, "An apple.", "A pear.")
        clock.pass_days(1)
        await keep(memories, "A plum.")
        before = (await memories.hot()).text
        for question in ("apple", "plum", "plum", "pear"):
            await ask(memories, question)
            clock.pass_days(1)
            await memories.tidy()
            assert (await memories.hot()).text == before
        await memories.revise(first, Revision(importance=0.9))
        assert (await memories.hot()).text == before
