"""Fitting an answer into a number of tokens, exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..model import Recall, Recollection
from ..model.render import compact, recall_dict, recollection_dict
from .excerpt import excerpt
from .relevance import Term

__all__ = ["Answer", "Count", "fit"]

_GUESS = 100
"""Three digits are one token, as are one or two: most answers are counted right at once."""
_CHARACTERS = 5
"""In a token, at the most: contents that are longer are not counted in vain before they are fitted. (English has
4.3 with what stands around it.)"""
_EXCERPT = 160
"""Tokens of an excerpt at the most, with what stands around it: room for others stays."""

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, before it is fitted."""

    found: Sequence[Recollection]
    """Best first."""
    considered: int
    more: int = 0
    """Others that may help, beyond `found`."""
    reason: str = ""
    """Why nothing was."""
    absent: Sequence[str] = ()
    terms: Sequence[Term] = ()
    """Of the question, which excerpts are cut about."""


def fit(answer: Answer, *, limit: int, budget: int, count: Count) -> Recall:
    """The most relevant memories whose answer, rendered, costs at most `budget` tokens.

    A memory that is too long for what is left is shown by an excerpt, or passed over for shorter ones
    after it. Tokens do not add up over concatenation, so the whole is counted, and its least relevant
    dropped until it fits.
    """
    chosen = list(answer.found[:limit])
    long = sum(len(one.memory.content) for one in chosen) > _CHARACTERS * budget
    fitted = None if long else _fitted(answer, chosen, count)
    if fitted is None or fitted.tokens > budget:
        chosen = _greedy(answer, limit, budget, count)
        fitted = _fitted(answer, chosen, count)
    while fitted.tokens > budget and chosen:
        chosen.pop()
        fitted = _fitted(answer, chosen, count)
    while fitted.tokens > budget and answer.absent:
        answer = replace(answer, absent=answer.absent[:-1])
        fitted = _fitted(answer, chosen, count)
    return fitted


def _fitted(answer: Answer, chosen: Sequence[Recollection], count: Count) -> Recall:
    return _counted(
        Recall(
            recollections=tuple(chosen),
            considered=answer.considered,
            omitted=len(answer.found) - len(chosen) + answer.more,
            tokens=_GUESS,
            nothing_relevant=not answer.found,
            reason=answer.reason,
            absent=tuple(answer.absent),
        ),
        count,
    )


def _greedy(answer: Answer, limit: int, budget: int, count: Count) -> list[Recollection]:
    chosen: list[Recollection] = []
    budget -= _fitted(answer, chosen, count).tokens
    for one in answer.found:
        if len(chosen) == limit:
            break
        shown = _shown(one, budget, answer.terms, count)
        if shown is not None:
            chosen.append(shown)
            budget -= _cost(shown, count)
    return chosen


def _shown(
    one: Recollection, budget: int, terms: Sequence[Term], count: Count
) -> Recollection | None:
    """A memory, whole if it fits, or an excerpt of it."""
    if _cost(one, count) <= budget:
        return one
    most = min(budget, _EXCERPT)

    def fits(text: str) -> bool:
        return _cost(replace(one, excerpt=text), count) <= most

    cut = excerpt(one.memory.content, terms, fits)
    return None if cut is None else replace(one, excerpt=cut)


def _cost(one: Recollection, count: Count) -> int:
    return count(compact(recollection_dict(one)))


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
