"""Who leaves the warm tier: by rule, never the pinned, the young and the hot."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from loci.server.tiers import Budget, Held, Size, Warmth, eviction_of, leaving

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=100)
YOUNG = timedelta(days=7)
limits = st.none() | st.integers(0, 30)
cells = st.tuples(st.integers(0, 100), st.booleans(), st.integers(0, 9), st.integers(0, 9))


def held_of(drawn: Sequence[tuple[int, bool, int, int]]) -> list[Held]:
    return [
        Held(seq, f"m{seq}", 1, START, START + timedelta(days=day), pinned, size, tokens)
        for seq, (day, pinned, size, tokens) in enumerate(drawn)
    ]


def size_of(held: Sequence[Held]) -> Size:
    return Size(len(held), sum(one.bytes for one in held), sum(one.tokens for one in held))


@given(
    st.lists(cells, max_size=20),
    st.sets(st.integers(0, 19)),
    st.builds(Budget, count=limits, bytes=limits, tokens=limits),
    st.none() | st.integers(10, 90),
)
def test_the_budget_is_kept_by_those_who_may_leave_and_by_no_more(
    drawn: list[tuple[int, bool, int, int]], hot: set[int], budget: Budget, idle: int | None
) -> None:
    held = held_of(drawn)
    cold_after = None if idle is None else timedelta(days=idle)
    warmth = Warmth(budget=budget, eviction=eviction_of("lru"), cold_after=cold_after, young=YOUNG)
    gone = leaving(held, frozenset(hot), warmth, NOW)
    stay = [one for one in held if one not in gone]
    for one in gone:
        assert not one.pinned
        assert one.seq not in hot
        assert NOW - one.used_at >= YOUNG
    movable = [o for o in stay if not o.pinned and o.seq not in hot and NOW - o.used_at >= YOUNG]
    assert budget.holds(size_of(stay)) or not movable
    if cold_after is not None:
        assert not [one for one in movable if NOW - one.used_at > cold_after]
    idle_ones = [o for o in gone if cold_after is not None and NOW - o.used_at > cold_after]
    if len(gone) > len(idle_ones):
        last = gone[-1]
        assert not budget.holds(size_of([*stay, last])), "nobody leaves for nothing"
