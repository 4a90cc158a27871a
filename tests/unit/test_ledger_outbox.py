"""The outbox: what each write leaves for the index, and what adopting, disowning and erasing do to it."""

from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from support.ledgers import (
    DIMENSION,
    NOW,
    UNTIL,
    a_memory,
    changes,
    key_of,
    open_tenant,
    pages,
    parts,
)

from loci.server.errors import NotFound, StoreFull
from loci.server.ledger import IndexRow, TenantLedger, erase, open_ledger

pytestmark = pytest.mark.anyio


def passage(seq: int, place: int = 0) -> int:
    return seq << 12 | place


async def adopt(ledger: TenantLedger, name: str = "g1") -> int:
    """As if a generation had just been built from everything. The outbox's place."""
    sequence = await ledger.index.last()
    await ledger.index.adopt(name, sequence, sequence, "built", NOW)
    return sequence


async def test_a_new_memory_is_added_with_each_passage(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a", passages=3), a_memory("b")], NOW)
        assert await changes(mine) == [passage(1), passage(1, 1), passage(1, 2), passage(2)]


async def test_a_repeat_changes_nothing(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await mine.store([a_memory("b", "a")], NOW)
        assert await changes(mine) == [passage(1)]


async def test_what_is_superseded_is_removed_before_its_successor_is_added(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        after = await mine.index.last()
        await mine.store([a_memory("c", supersedes=("a", "b"))], NOW)
        assert await changes(mine, after) == [-passage(1), -passage(2), passage(3)]


async def test_what_its_own_batch_supersedes_is_never_added(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        _, delta = await mine.store([a_memory("a"), a_memory("b", supersedes=("a",))], NOW)
        assert [one for one, _ in delta.added] == [passage(2)]
        assert await changes(mine) == [-passage(1), passage(2)]
        assert await pages(mine) == {passage(2)}


async def test_a_revision_takes_the_place_of_the_version_before(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a", passages=2)], NOW)
        first = (await mine.current(["a"]))["a"]
        content = (key_of("new"), parts("new"))
        done = await mine.revise(first, replace(first.memory, content="new"), NOW, content)
        assert done is not None
        assert (await changes(mine))[2:] == [-passage(1), -passage(1, 1), passage(2)]
        await mine.revise(done[0], replace(done[0].memory, pinned=True), NOW, None)
        assert (await changes(mine))[5:] == [-passage(2), passage(3)]
        assert await mine.revise(first, first.memory, NOW, None) is None
        assert len(await changes(mine)) == 7


async def test_archiving_deleting_and_restoring_remove_and_add(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        after = await mine.index.last()
        await mine.archive(["a"])
        await mine.mark_deleted(["b"], NOW, UNTIL)
        await mine.restore(["a", "b"])
        told = [-passage(1), -passage(2), passage(1), passage(2)]
        assert await changes(mine, after) == told


async def test_a_revision_of_an_archived_memory_adds_nothing(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await mine.archive(["a"])
        row = (await mine.current(["a"]))["a"]
        await mine.revise(row, replace(row.memory, pinned=True), NOW, None)
        assert await changes(mine) == [passage(1), -passage(1), -passage(1)]


async def test_what_a_model_embeds_later_is_added_if_it_still_belongs(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        new = [a_memory("a", passages=0), a_memory("b", passages=0), a_memory("c", passages=0)]
        await mine.store(new, NOW)
        await mine.archive(["b"])
        await mine.erasure.erase(["c"])
        await mine.add_passages([(seq, parts(str(seq))) for seq in (1, 2, 3)])
        assert await changes(mine) == [passage(1)]
        assert await pages(mine) == {passage(1)}


async def test_a_write_that_fails_leaves_nothing_and_its_neighbours_are_told_once(
    tmp_path: Path,
) -> None:
    async with open_tenant(tmp_path) as mine:
        failed: list[str] = []

        async def store(name: str, *supersedes: str) -> None:
            try:
                await mine.store([a_memory(name, supersedes=supersedes)], NOW)
            except NotFound:
                failed.append(name)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for name in "abcdefgh":
                    tasks.start_soon(store, name, *(["nobody"] if name in "cf" else []))
        assert sorted(failed) == ["c", "f"]
        told = await changes(mine)
        assert len(told) == 6
        assert set(told) == await pages(mine)


async def test_adopting_takes_only_what_was_fed_and_only_this_tenants(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        ada = await ledger.for_tenant("ada", model="hash", dimension=DIMENSION)
        bob = await ledger.for_tenant("bob", model="hash", dimension=DIMENSION)
        await ada.store([a_memory("a")], NOW)
        await bob.store([a_memory("a")], NOW)
        sequence = await ada.index.last()
        await ada.store([a_memory("b")], NOW)
        assert await ada.index.row() is None
        await ada.index.adopt("g1", sequence, sequence, "there was none", NOW)
        assert await ada.index.row() == IndexRow("g1", sequence, 3, "there was none", NOW)
        assert await changes(ada) == [passage(3)]
        assert await changes(bob) == [passage(2)]
        assert (await ada.index.pending_count(0), await ada.index.pending_count(3)) == (1, 0)
        assert await bob.index.row() is None


async def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.last() == 0
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        assert await adopt(mine) == 2
        assert await changes(mine) == []
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.last() == 2
        await mine.store([a_memory("c")], NOW)
        assert [row.id for row in await mine.index.pending(2, 10)] == [3]


async def test_disowning_keeps_how_far_it_was_and_says_why(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.index.disown("never built")
        assert await mine.index.row() == IndexRow(None, 0, 0, "never built", None)
        await mine.store([a_memory("a")], NOW)
        await adopt(mine)
        await mine.index.disown("damaged")
        assert await mine.index.row() == IndexRow(None, 1, 1, "damaged", NOW)
        await mine.store([a_memory("b")], NOW)
        assert await changes(mine) == [passage(2)]


async def test_the_outbox_is_read_in_pieces_oldest_first(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory(f"m{n}") for n in range(5)], NOW)
        first = await mine.index.pending(0, 2)
        rest = await mine.index.pending(first[-1].id, 10)
        assert [row.passage for row in [*first, *rest]] == [passage(n) for n in range(1, 6)]


async def test_vectors_are_given_by_passage(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        new = [a_memory("a", passages=2), a_memory("b")]
        await mine.store(new, NOW)
        rows = await mine.index.rows([passage(2), passage(1, 1), passage(1, 7), passage(99)])
        assert rows.ids.tolist() == [passage(1, 1), passage(2)]
        kept = [new[0].passages[1].vector, new[1].passages[0].vector]
        assert rows.vectors.dtype == np.float32
        assert np.allclose(rows.vectors, np.stack(kept), atol=1e-3)
        assert (await mine.index.rows([])).vectors.shape == (0, DIMENSION)


async def test_the_count_is_that_of_all_pages(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        mine = await ledger.for_tenant("ada", model="hash", dimension=DIMENSION)
        bob = await ledger.for_tenant("bob", model="hash", dimension=DIMENSION)
        assert await mine.index.count() == 0
        await mine.store([a_memory(f"m{n}", passages=n) for n in range(7)], NOW)
        await bob.store([a_memory("m1", passages=3)], NOW)
        await bob.archive(["m1"])
        await mine.archive(["m1"])
        await mine.mark_deleted(["m2"], NOW, UNTIL)
        await mine.store([a_memory("new", supersedes=("m3",))], NOW)
        row = (await mine.current(["m4"]))["m4"]
        await mine.revise(row, replace(row.memory, pinned=True), NOW, None)
        assert await mine.index.count() == len(await pages(mine)) == 4 + 5 + 6 + 1
        assert await bob.index.count() == 0


# Erasing


async def test_what_was_never_fed_and_is_erased_leaves_an_empty_outbox(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        await mine.archive(["b"])
        erasure = await mine.erasure.erase(["a", "b"])
        assert await changes(mine) == []
        assert (await mine.erasure.residue(erasure)).found == ()


async def test_what_is_erased_before_a_generation_is_begun_is_no_news_to_it(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        await mine.erasure.erase(["a"])
        await adopt(mine)
        assert await changes(mine) == []


async def test_a_generation_that_may_hold_what_is_erased_is_given_up_with_it(
    tmp_path: Path,
) -> None:
    """An index keeps the vectors that are deleted from it."""
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a", passages=2), a_memory("b")], NOW)
        await adopt(mine)
        await mine.mark_deleted(["a"], NOW, UNTIL)
        await mine.store([a_memory("c")], NOW)
        erasure = await mine.erasure.erase(["a", "c"])
        assert await changes(mine) == []
        assert await given_up(mine)
        assert (await mine.erasure.residue(erasure)).found == ()


async def test_a_generation_stays_when_what_came_later_is_erased(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await adopt(mine)
        await mine.store([a_memory("b")], NOW)
        await mine.erasure.erase(["b"])
        assert await changes(mine) == []
        assert not await given_up(mine)


async def test_a_generation_is_not_adopted_when_something_was_erased_while_it_was_built(
    tmp_path: Path,
) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        sequence = await mine.index.last()
        await mine.erasure.erase(["a"])
        assert await changes(mine) == [passage(2)]
        await mine.index.adopt("g1", sequence, sequence, "built", NOW)
        assert await given_up(mine)
        await mine.index.adopt("g2", after := await mine.index.last(), after, "built", NOW)
        assert not await given_up(mine)


async def test_the_newest_memory_erased_while_it_is_built_is_seen_by_adopting(
    tmp_path: Path,
) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await adopt(mine)
        await mine.store([a_memory("b")], NOW)
        sequence = await mine.index.last()
        await mine.erasure.erase(["b"])
        await mine.index.adopt("g2", sequence, sequence, "fed", NOW)
        assert await given_up(mine)


async def test_what_was_fed_after_an_erasure_does_not_hide_it(tmp_path: Path) -> None:
    """What is erased leaves no change behind: those that follow it carry the sequence beyond it."""
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        begun = await mine.index.last()
        await mine.erasure.erase(["a"])
        await mine.store([a_memory("b")], NOW)
        await mine.index.adopt("g1", await mine.index.last(), begun, "built", NOW)
        assert await given_up(mine)


async def test_what_came_while_a_generation_was_built_takes_it_along_when_it_is_erased_later(
    tmp_path: Path,
) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        sequence = await mine.index.last()
        await mine.store([a_memory("b")], NOW)
        await mine.index.adopt("g1", sequence, sequence, "built", NOW)
        await mine.erasure.erase(["b"])
        assert await given_up(mine)


async def given_up(mine: TenantLedger) -> bool:
    row = await mine.index.row()
    assert row is not None
    assert (row.generation is None) == (row.reason == "a memory was erased")
    return row.generation is None


async def test_changes_are_trimmed_only_where_no_generation_wants_them(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        until = await mine.index.last()
        await mine.store([a_memory("b")], NOW)
        await mine.index.trim(until)
        assert await changes(mine) == [passage(2)]
        await adopt(mine)
        await mine.store([a_memory("c")], NOW)
        await mine.index.trim(await mine.index.last())
        assert await changes(mine) == [passage(3)]


async def test_an_erasure_that_fails_removes_nothing_from_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise StoreFull("The disk is full.")

    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        sequence = await mine.index.last()
        with monkeypatch.context() as patch:
            patch.setattr(erase, "still_indexed", fail)
            with pytest.raises(StoreFull):
                await mine.erasure.erase(["a"])
        assert await changes(mine) == [passage(1)]
        await mine.index.adopt("g1", sequence, sequence, "built", NOW)
        assert await changes(mine) == []
        assert await pages(mine) == {passage(1)}


# Entering


async def test_what_waits_for_a_generation_survives_a_restart(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await adopt(mine)
        await mine.store([a_memory("b")], NOW)
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.row() == IndexRow("g1", 1, 1, "built", NOW)
        assert await changes(mine) == [passage(2)]


async def test_without_a_generation_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a")], NOW)
        await mine.index.disown("damaged")
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.row() == IndexRow(None, 0, 0, "damaged", None)
        assert await changes(mine) == []
        assert await pages(mine) == {passage(1)}


async def test_a_new_model_begins_anew_and_leaves_other_tenants_alone(tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        async with open_tenant(tmp_path, name) as mine:
            await mine.store([a_memory("a")], NOW)
            await adopt(mine)
            await mine.store([a_memory("b")], NOW)
    async with open_tenant(tmp_path, model="other") as mine:
        assert await mine.index.row() is None
        assert await changes(mine) == []
        assert await mine.index.count() == 0
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.row() is None
    async with open_tenant(tmp_path, "bob") as theirs:
        row = await theirs.index.row()
        assert row is not None
        assert row.generation == "g1"
        assert await changes(theirs) == [passage(4)]


async def test_switched_off_it_keeps_nothing_and_drops_what_there_was(tmp_path: Path) -> None:
    async with open_tenant(tmp_path) as mine:
        await mine.store([a_memory("a"), a_memory("b")], NOW)
        await adopt(mine)
        await mine.store([a_memory("c")], NOW)
    async with open_tenant(tmp_path, feeding=False) as mine:
        assert await mine.index.row() is None
        await mine.store([a_memory("d")], NOW)
        await mine.archive(["a"])
        await mine.restore(["a"])
        await mine.erasure.erase(["b"])
        assert await changes(mine) == []
        assert await mine.index.count() == 3
        with pytest.raises(RuntimeError, match="nothing can be adopted"):
            await adopt(mine)
    async with open_tenant(tmp_path) as mine:
        assert await mine.index.row() is None
        await mine.archive(["a"])
        assert await changes(mine) == [-passage(1)]


async def test_within_one_process_whoever_is_entered_last_begins_anew(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        mine = await ledger.for_tenant("ada", model="hash", dimension=DIMENSION)
        await mine.store([a_memory("a")], NOW)
        await adopt(mine)
        assert await ledger.for_tenant("ada", model="hash", dimension=DIMENSION) is mine
        assert await mine.index.row() is not None
        await ledger.for_tenant("ada", model="hash", dimension=DIMENSION, feeding=False)
        again = await ledger.for_tenant("ada", model="hash", dimension=DIMENSION)
        assert again is not mine
        assert await again.index.row() is None
