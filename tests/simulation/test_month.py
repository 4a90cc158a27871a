"""The simulated month shows what its page says."""

import pytest
from simulation.month import simulate

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_the_month_is_as_its_page_describes_it() -> None:
    month = await simulate()
    hot, warm = month.tiers["hot"], month.tiers["warm"]
    # Five days' memories are young: only then can the budget be kept to.
    assert all(h + w <= 90 for h, w in zip(hot[15:], warm[15:], strict=True))
    assert month.tiers["deleted"][13] == 0
    assert month.tiers["deleted"][-1] > 0
    assert month.hot["billing"][8] > month.hot["mobile"][8]
    assert month.hot["mobile"][-1] > month.hot["billing"][-1]
    often, once, never = (line[-1] for line in month.activation.values())
    assert often > once > never
    assert month.cycles["merged"][-1] > 0
    assert month.cycles["summed up"][-1] > 0
