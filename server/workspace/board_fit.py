"""Fitting cells into a number of tokens, exactly."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import InvalidInput
from ..model import BoardPage, Cell
from ..model.board_shown import cell_dict, page_dict
from ..model.render import compact

__all__ = ["fit"]

_GUESS = 100
_AROUND = 60
"""Tokens of an answer without cells, about; the whole is counted in the end."""

Count = Callable[[str], int]


def fit(page: BoardPage, limit: int, budget: int, count: Count, *, ordered: bool) -> BoardPage:
    """As many of the first cells as fit. A value that alone is too long is left out and its tokens are
    told.

    `ordered`: by version, so that the answer is complete up to its last cell if not all fit.

    Raises:
        InvalidInput: not even the first fits.
    """
    chosen, hidden = _greedy(page.cells[:limit], budget - _AROUND, count)
    while True:
        fitted = _fitted(page, chosen, hidden, ordered)
        fitted = replace(fitted, tokens=_cost(fitted, count))
        if fitted.tokens <= budget:
            break
        chosen = chosen[:-1]
    if page.cells and not chosen:
        raise InvalidInput("max_tokens: not even one cell fits; give more.")
    return fitted


def _greedy(cells: Sequence[Cell], budget: int, count: Count) -> tuple[list[Cell], dict[int, int]]:
    chosen: list[Cell] = []
    hidden: dict[int, int] = {}
    left = budget
    for cell in cells:
        cost = count(compact(cell_dict(cell)))
        if cost > budget:
            hidden[cell.version] = count(compact(cell.value))
            cost = count(compact(cell_dict(cell, hidden=hidden[cell.version])))
        if cost > left and chosen:
            break
        chosen.append(cell)
        left -= cost
    return chosen, hidden


def _fitted(
    page: BoardPage, chosen: Sequence[Cell], hidden: dict[int, int], ordered: bool
) -> BoardPage:
    more = len(chosen) < len(page.cells)
    version = chosen[-1].version if more and ordered and chosen else page.version
    return replace(
        page, cells=tuple(chosen), hidden=hidden, more=more, version=version, tokens=_GUESS
    )


def _cost(page: BoardPage, count: Count) -> int:
    """What the answer costs with its own cost in it."""
    tokens = count(compact(page_dict(page)))
    # o200k_base cuts numbers into groups of up to three digits, each one token.
    while (longer := replace(page, tokens=tokens)).tokens != page.tokens:
        page, counted = longer, count(compact(page_dict(longer)))
        if counted == tokens:
            break
        tokens = counted
    return tokens
