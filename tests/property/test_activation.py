"""Activation rises with use, falls in time, and orders as the ledger does."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import hypothesis.strategies as st
from hypothesis import given, settings
from support.engines import Clock, keep, open_memories

from loci.server.model import Query
from loci.server.tiers import base_level

START = datetime(2026, 1, 1, tzinfo=UTC)
uses = st.integers(1, 10**6)
lives = st.timedeltas(timedelta(microseconds=1), timedelta(days=36_500))


@given(uses, st.integers(1, 10**6), lives)
def test_each_use_raises_it(count: int, more: int, life: timedelta) -> None:
    now = START + life
    assert base_level(count + more, START, now) > base_level(count, START, now)


@given(uses, lives, lives)
def test_time_takes_it_away(count: int, life: timedelta, more: timedelta) -> None:
    earlier, later = START + life, START + life + more
    assert base_level(count, START, later) <= base_level(count, START, earlier)
    if more > life / 1000:
        assert base_level(count, START, later) < base_level(count, START, earlier)


@given(uses, lives)
def test_it_is_a_power_law(count: int, life: timedelta) -> None:
    """Over four times the life, half the odds: ln 2 less."""
    first, fourth = (base_level(count, START, START + n * life) for n in (1, 4))
    assert math.isclose(first - fourth, math.log(2), rel_tol=1e-6)


def test_what_was_never_used_has_none() -> None:
    assert base_level(0, START, START + timedelta(days=1)) == -math.inf


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40)), min_size=2, max_size=5))
def test_the_ledger_orders_by_it(history: list[tuple[int, int]]) -> None:
    """For each memory how often it is recalled, and how many days pass before the next."""

    async def run() -> None:
        clock = Clock()
        with TemporaryDirectory() as home:
            async with open_memories(Path(home), clock=clock) as memories:
                for place, (recalls, days) in enumerate(history):
                    await keep(memories, f"word{place}")
                    for _ in range(recalls):
                        await memories.recall(Query(text=f"word{place}", explain=True))
                        await memories.tidy()
                    clock.pass_days(days)
                answer = await memories.recall(Query(text=""))
        found = [one.memory for one in answer.recollections]
        levels = [base_level(one.uses, one.remembered_at, clock.now) for one in found]
        assert levels == sorted(levels, reverse=True)

    anyio.run(run)
