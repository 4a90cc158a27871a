"""What every policy of eviction does, and what each is for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from loci.server.tiers import Eviction, Held, eviction_of

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=1000)
ALL = ("activation", "lru", "lfu", "fifo", "reservoir", "ttl:90d", "ttl:90d, lru", "ttl:9d, ttl:1d")
COMPLETE = ALL[:5] + ALL[6:7]
"""Those that let everybody go, if it must be."""


@st.composite
def helds(draw: st.DrawFn) -> list[Held]:
    drawn = st.tuples(st.integers(1, 5), st.integers(0, 900), st.integers(0, 99))
    ones: list[Held] = []
    for seq, (uses, days, later) in enumerate(draw(st.lists(drawn, max_size=12)), 1):
        at = START + timedelta(days=days)
        used = at + timedelta(days=later)
        ones.append(Held(seq, f"m{seq}", uses, at, used, False, 10 * seq, seq))
    return ones


@pytest.fixture(params=ALL)
def policy(request: pytest.FixtureRequest) -> Eviction:
    return eviction_of(str(request.param))


def check(policy: Eviction, held: Sequence[Held], shuffled: Sequence[Held]) -> None:
    order = policy.order(held, NOW)
    assert set(order) <= set(held)
    assert len(set(order)) == len(order), "none leaves twice"
    assert policy.order(shuffled, NOW) == order, "however they are given"
    if policy.label in COMPLETE:
        assert len(order) == len(held)


@pytest.mark.parametrize("name", ALL)
def test_it_orders_what_is_held(name: str) -> None:
    @given(helds(), st.randoms(use_true_random=False))
    def laws(held: list[Held], dice: Any) -> None:
        check(eviction_of(name), held, dice.sample(held, len(held)))

    laws()


def test_its_label_says_how_to_have_it_again(policy: Eviction) -> None:
    assert eviction_of(policy.label) == policy


def one(seq: int, *, uses: int = 1, day: int = 0, used: int | None = None) -> Held:
    at = START + timedelta(days=day)
    last = at if used is None else START + timedelta(days=used)
    return Held(seq, f"m{seq}", uses, at, last, False, 1, 1)


OLD_AND_USED = one(1, uses=9, day=0, used=990)
OLD = one(2, uses=2, day=10, used=20)
NEW = one(3, uses=1, day=950)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("lru", [2, 3, 1]),
        ("lfu", [3, 2, 1]),
        ("fifo", [1, 2, 3]),
        ("activation", [2, 3, 1]),
        ("ttl:900d", [1, 2]),
        ("ttl:995d, lfu", [1, 3, 2]),
        ("ttl:2000d", []),
    ],
)
def test_it_is_what_its_name_says(name: str, order: list[int]) -> None:
    found = eviction_of(name).order([NEW, OLD_AND_USED, OLD], NOW)
    assert [held.seq for held in found] == order


def test_a_reservoir_keeps_a_uniform_sample_whatever_came_first() -> None:
    """10 of 1,000: a tenth of the ids stays, from the early ones as from the late."""
    ones = [one(seq, day=seq) for seq in range(1000)]
    stays = eviction_of("reservoir").order(ones, NOW)[-100:]
    early = sum(held.seq < 500 for held in stays)
    assert 35 <= early <= 65


def test_a_reservoir_fills_the_same_in_one_go_or_step_by_step() -> None:
    ones = [one(seq) for seq in range(100)]
    at_once = {held.seq for held in eviction_of("reservoir").order(ones, NOW)[-10:]}
    kept: list[Held] = []
    for held in ones:
        kept = eviction_of("reservoir").order([*kept, held], NOW)[-10:]
    assert {held.seq for held in kept} == at_once


@pytest.mark.parametrize("name", ["", "mru", "ttl", "ttl:", "ttl:9", "lru,", "ttl:-1d"])
def test_what_is_no_policy_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^(|mru|ttl.*)$"):
        eviction_of(name)
