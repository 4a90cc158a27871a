"""Questions put to the real server, for `loci eval`, and what came back.

Each question is asked several times, in passes, one question after another:

- plain, as agents ask: nothing but the question. This is where the time, the tokens, what comes back
  as a set and `nothing_relevant` are from. The time is what the client waits, after one question that
  does not count and that has the model and the columns loaded.
- wide, with the largest `limit` and `max_tokens`: this is what is ranked.
- once for each budget, with the largest `limit` and this `max_tokens`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..settings import FILE
from ..tokens import TokenCounter
from .demo_server import DemoServer
from .evaluation_data import Asked
from .evaluation_filling import Filled, namespace_of
from .evaluation_server import serving

__all__ = ["BUDGETS", "SIGNALS", "Answer", "Found", "Signals", "Way", "ask", "configure"]

Signals = Literal["all", "words", "meaning"]
SIGNALS: tuple[Signals, ...] = ("all", "words", "meaning")
BUDGETS = range(100, 100_001)
"""What `max_tokens` may be."""

_LIMIT = 100
_WIDE = {"limit": _LIMIT, "max_tokens": BUDGETS.stop - 1}
_WARM = "What is remembered first?"


@dataclass(frozen=True, slots=True)
class Way:
    """How to ask."""

    signals: Signals = "all"
    """What the ranking goes by: the setting `signals`. Without all, only the wide pass is made."""
    budgets: Sequence[int] = ()
    then: bool = False
    """Ask what was true at the question's date, where it has one: `as_of`."""

    def passes(self) -> dict[str, dict[str, int]]:
        """Arguments of recall by the pass's name."""
        if self.signals != "all":
            return {"wide": _WIDE}
        within = {f"{n}": {"limit": _LIMIT, "max_tokens": n} for n in self.budgets}
        return {"plain": {}, "wide": _WIDE, **within}


@dataclass(frozen=True, slots=True)
class Found:
    """What one call brought."""

    ids: tuple[str, ...]
    """Of memories, best first."""
    relevances: tuple[float, ...]
    """In [0, 1], of the same."""
    lengths: tuple[int, ...]
    """Tokens of the same ones' contents."""
    tokens: int
    nothing: bool
    """`nothing_relevant`."""
    ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A question and its evidence in ids of memories, and what came back by the pass's name."""

    category: str
    blank: bool
    """The question has no words: then the most active memories come back."""
    answerable: bool
    groups: Sequence[frozenset[str]]
    stale: frozenset[str]
    forbidden: frozenset[str] | None
    pinned: frozenset[str]
    """What the agent has in its context anyway: the hot tier begins with it."""
    found: Mapping[str, Found]

    @property
    def evidence(self) -> frozenset[str]:
        """The groups' ids in one set."""
        return frozenset[str]().union(*self.groups)


async def ask(
    held: Filled, questions: Sequence[Asked], way: Way, step: Callable[[], object]
) -> list[Answer]:
    """The answers of a server on a data directory, in the questions' order. Calls `step` after each
    question of each pass.

    Raises:
        LociError: the server does not start, refuses a question or does not answer.
    """
    found: list[dict[str, Found]] = [{} for _ in questions]
    counter = TokenCounter()
    await counter.load()
    async with serving(held.home) as server:
        await server.call("recall", query=_WARM)
        for name, arguments in way.passes().items():
            for question, mine in zip(questions, found, strict=True):
                given = {**_about(question, way), **arguments}
                mine[name] = await _recall(server, given, counter.count)
                step()
    return [_answer(one, held, mine) for one, mine in zip(questions, found, strict=True)]


def configure(home: Path, signals: Signals) -> None:
    """Have the next server on a data directory rank by these signals."""
    text = "" if signals == "all" else f'signals = "{signals}"\n'
    (home / FILE).write_text(text, encoding="utf-8")


def _about(question: Asked, way: Way) -> dict[str, Any]:
    asked: dict[str, Any] = {"query": question.question}
    if namespace := namespace_of(question.scope):
        asked["namespace"] = namespace
    if way.then and question.question_date is not None:
        asked["as_of"] = question.question_date
    return asked


async def _recall(
    server: DemoServer, arguments: Mapping[str, Any], count: Callable[[str], int]
) -> Found:
    began = time.perf_counter()
    answer = await server.call("recall", **arguments)
    ms = (time.perf_counter() - began) * 1000
    found = answer["recollections"]
    return Found(
        ids=tuple(str(one["id"]) for one in found),
        relevances=tuple(float(one["relevance"]) for one in found),
        lengths=tuple(count(str(one["content"])) for one in found),
        tokens=int(answer["tokens"]),
        nothing=bool(answer["nothing_relevant"]),
        ms=ms,
    )


def _answer(question: Asked, held: Filled, found: Mapping[str, Found]) -> Answer:
    ids = held.ids
    groups = [frozenset(ids[one] for one in group) for group in question.evidence]
    evidence = frozenset[str]().union(*groups)
    stale = frozenset(ids[one] for group in question.stale for one in group)
    forbidden = question.forbidden
    return Answer(
        category=question.category,
        blank=not question.question.strip(),
        answerable=question.answerable,
        groups=groups,
        # A repeat of the evidence is the same memory.
        stale=stale - evidence,
        forbidden=None if forbidden is None else frozenset(ids[o] for o in forbidden) - evidence,
        pinned=held.pinned,
        found=found,
    )
