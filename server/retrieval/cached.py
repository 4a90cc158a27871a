"""Answers that are still right, given again."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from ..ledger import Sight
from ..model import Query, Recall

__all__ = ["Answers", "Cached", "Recalls"]

_MOST = 32
"""Answers kept for a tenant: agents repeat themselves within a few turns."""


class Recalls(Protocol):
    """Answers questions."""

    async def recall(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        """The answer, and the seqs of the versions in it."""
        ...


class _Key(NamedTuple):
    query: str
    """With everything that was asked along with it."""
    hot: frozenset[int]
    day: date
    """Today is part of a question that speaks of yesterday."""


class _Answer(NamedTuple):
    state: int
    answer: Recall
    seqs: Sequence[int]


class Answers:
    """One tenant's last answers. An answer is right as long as the tenant's state is the same and
    nothing in it has expired."""

    __slots__ = ("_kept", "hits", "misses", "state")

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Answer] = OrderedDict()
        self.state = 0
        """A number that each change of the tenant's memories raises."""
        self.hits = 0
        self.misses = 0

    def changed(self) -> None:
        """Give none of the answers that there are again."""
        self.state += 1
        self._kept.clear()

    def find(self, key: _Key, sight: Sight) -> _Answer | None:
        """An answer that is still right."""
        found = self._kept.get(key)
        if found is None or found.state != self.state or _has_expired(found.answer, sight):
            self.misses += 1
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return found

    def keep(self, key: _Key, found: _Answer) -> None:
        """Keep an answer, unless something changed while it was looked for."""
        if found.state != self.state:
            return
        self._kept[key] = found
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)


class Cached:
    """Gives answers again that are still right (`Recalls`)."""

    __slots__ = ("_answers", "_retriever")

    def __init__(self, retriever: Callable[[], Recalls], answers: Answers) -> None:
        self._retriever = retriever
        self._answers = answers

    async def recall(self, query: Query, sight: Sight) -> tuple[Recall, Sequence[int]]:
        answers = self._answers
        key = _Key(repr(query), sight.hot, sight.now.date())
        if (kept := answers.find(key, sight)) is not None:
            return kept.answer, kept.seqs
        state = answers.state
        answer, seqs = await self._retriever().recall(query, sight)
        answers.keep(key, _Answer(state, answer, seqs))
        return answer, seqs


def _has_expired(answer: Recall, sight: Sight) -> bool:
    if sight.filters.as_of is not None or sight.filters.known_at is not None:
        return False
    ends = (one.memory.valid_until for one in answer.recollections)
    return any(end is not None and end <= sight.now for end in ends)
