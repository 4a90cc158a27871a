"""Retention: nothing is archived or deleted without a rule that says so; dry run, log and undo."""

from pathlib import Path

import pytest
from support.engines import Clock, contents, open_memories

from loci.server.engine import Limits, Memories
from loci.server.errors import NotFound
from loci.server.model import Draft, Tier
from loci.server.tiers import retention_of

pytestmark = pytest.mark.anyio

RULES = "scratch: delete after 30d; work/log: archive after 1y; *: delete expired after 90d; legal: keep"


def limits(rules: str = RULES, most: int = 100) -> Limits:
    return Limits(retention=retention_of(rules), reflect_most=most)


async def fill(memories: Memories) -> dict[str, str]:
    drafts = [
        Draft(content="a note", namespace="scratch/a"),
        Draft(content="a pin", namespace="scratch", pinned=True),
        Draft(content="a line", namespace="work/log"),
        Draft(content="a reminder", expires_in=3600),
        Draft(content="a contract", namespace="legal", expires_in=3600),
        Draft(content="a fact", namespace="scratchy"),
    ]
    answers = await memories.remember(drafts)
    return {draft.content: one.id for draft, one in zip(drafts, answers, strict=True)}


async def test_each_rule_does_what_it_says_when_its_time_has_come(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock, limits=limits()) as memories:
        ids = await fill(memories)
        clock.pass_days(29)
        assert (await memories.reflect(dry_run=True)).retired == ()
        clock.pass_days(2)
        planned = await memories.reflect(dry_run=True)
        expected = [(ids["a note"], "scratch: delete after 30d")]
        assert [(one.id, one.rule) for one in planned.retired] == expected
        assert "a note" in await contents(memories), "a dry run does nothing"
        await memories.tidy()
        assert "a note" not in await contents(memories)
        clock.pass_days(350)
        await memories.tidy()
        assert [one.id for one in (await memories.page(Tier.COLD)).memories] == [ids["a line"]]
        assert set(await contents(memories)) == {"a pin", "a line", "a fact"}
        with pytest.raises(NotFound):
            await memories.get(ids["a reminder"])
        assert (await memories.get(ids["a contract"])).deleted_at is None
        assert [one.summary for one in await memories.cycles()] == [
            "2 retired (*: delete expired after 90d; work/log: archive after 1y)",
            "1 retired (scratch: delete after 30d)",
        ]


async def test_it_can_be_undone_while_it_can_be_restored(tmp_path: Path) -> None:
    clock = Clock()
    rules = "a: delete after 1w; b: archive after 2m"
    async with open_memories(tmp_path, clock=clock, limits=limits(rules)) as memories:
        drafts = [Draft(content=n, namespace=n) for n in ("a", "b", "c")]
        await memories.remember(drafts)
        clock.pass_days(61)
        done = await memories.reflect()
        assert len(done.retired) == 2
        assert set(await contents(memories)) == {"b", "c"}
        undone = await memories.undo()
        assert len(undone.ids) == 2
        assert set(await contents(memories)) == {"a", "b", "c"}
        assert (await memories.page(Tier.COLD)).memories == ()


async def test_without_a_rule_nothing_goes_however_old(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        ids = await fill(memories)
        clock.pass_days(36_500)
        await memories.tidy()
        assert not (await memories.reflect()).retired
        for name in ids.values():
            assert (await memories.get(name)).tier is not Tier.COLD


async def test_many_are_retired_in_capped_cycles_one_after_another(tmp_path: Path) -> None:
    clock = Clock()
    rules = limits("*: delete after 1d", most=2)
    async with open_memories(tmp_path, clock=clock, limits=rules) as memories:
        await memories.remember([Draft(content=str(number)) for number in range(5)])
        clock.pass_days(2)
        await memories.tidy()
        assert await contents(memories) == []
        assert [one.summary[:9] for one in await memories.cycles()] == [
            "1 retired",
            "2 retired",
            "2 retired",
        ]


@pytest.mark.parametrize(
    "text",
    [
        "scratch delete after 30d",
        "scratch: erase after 30d",
        "scratch: delete",
        "scratch: delete after 0d",
        "scratch: delete after 101y",
        "scratch: keep after 3d",
        "a//b: keep",
        "scratch: delete expired",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^" + text[:3]):
        retention_of(text)
