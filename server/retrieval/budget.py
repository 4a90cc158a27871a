"""Fitting an answer into a number of tokens, exactly."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..model import Recall, Recollection
from ..model.render import compact, recall_dict, recollection_dict

__all__ = ["fit"]

_GUESS = 100
"""Three digits are one token, as are one or two: most answers are counted right at once."""

Count = Callable[[str], int]


def fit(
    found: Sequence[Recollection],
    *,
    considered: int,
    more: int,
    limit: int,
    budget: int,
    count: Count,
) -> Recall:
    """The most relevant whole memories whose answer, rendered, costs at most `budget` tokens.

    A memory that is too long for what is left is passed over for shorter ones after it. Tokens do
    not add up over concatenation, so the whole is counted, and its least relevant dropped until it
    fits. `more` relevant ones beyond `found` count as omitted.
    """
    chosen = list(found[:limit])
    answer = _answer(chosen, found, considered, more, count)
    if answer.tokens > budget:
        chosen = _greedy(found, limit, budget, count)
        answer = _answer(chosen, found, considered, more, count)
    while answer.tokens > budget and chosen:
        chosen.pop()
        answer = _answer(chosen, found, considered, more, count)
    return answer


def _answer(
    chosen: Sequence[Recollection],
    found: Sequence[Recollection],
    considered: int,
    more: int,
    count: Count,
) -> Recall:
    return _counted(
        Recall(
            recollections=tuple(chosen),
            considered=considered,
            omitted=len(found) - len(chosen) + more,
            tokens=_GUESS,
            nothing_relevant=not found,
        ),
        count,
    )


def _greedy(
    found: Sequence[Recollection], limit: int, budget: int, count: Count
) -> list[Recollection]:
    chosen: list[Recollection] = []
    for one in found:
        if len(chosen) == limit:
            break
        cost = count(compact(recollection_dict(one)))
        if cost <= budget:
            chosen.append(one)
            budget -= cost
    return chosen


def _counted(answer: Recall, count: Count) -> Recall:
    """The answer with its own cost, which includes the digits of that cost."""
    tokens = count(compact(recall_dict(answer)))
    # o200k_base cuts numbers into groups of up to three digits, each one token.
    while (more := _groups(tokens) - _groups(answer.tokens)) > 0:
        answer = replace(answer, tokens=tokens)
        tokens += more
    return replace(answer, tokens=tokens)


def _groups(number: int) -> int:
    return -(-len(str(number)) // 3)
