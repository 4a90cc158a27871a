"""The most active memories, without a look at all of them each time.

Activation changes with every use and with time, so no index has its order. But between two looks at
all memories only those that were used or stored since can come to the top by anything but time; and
by time alone the order changes slowly. So the best of the last look are kept, and only they, what
was used and what was stored since are compared.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from . import reads
from .prepared import Prepared
from .where import Sight, parameters, shape_of

__all__ = ["Active"]

Fetching: TypeAlias = Callable[[Prepared, Mapping[str, Any]], Awaitable[list[tuple[Any, ...]]]]

_KEPT = 1000
"""Of each look: several times what is asked for."""
_CHANGED = 5000
"""Changes from which a look at all is no dearer. A ledger of fewer versions is always looked at."""
_LOOK_EVERY = timedelta(minutes=10)


class Active:
    """One tenant's most active memories. Told of every use, after it was written."""

    __slots__ = ("_best", "_fetch", "_looked_at", "_since", "_tenant", "_used")

    def __init__(self, fetch: Fetching, tenant: int) -> None:
        self._fetch = fetch
        self._tenant = tenant
        self._best: list[int] = []
        self._used: set[int] = set()
        self._since = 0
        self._looked_at: datetime | None = None

    def used(self, seqs: Iterable[int]) -> None:
        """Those versions were used."""
        self._used.update(seqs)

    def look_again(self) -> None:
        """Old versions may be seen again."""
        self._looked_at = None

    async def first(self, sight: Sight, limit: int) -> tuple[Prepared, Mapping[str, Any]]:
        """What to ask for the cells of pinned ones first, then by activation, strongest first."""
        shape = shape_of(sight)
        values = {**parameters(self._tenant, sight), "limit": limit}
        if sight.travels or sight.narrow or limit > _KEPT:
            return reads.most_active(shape), values
        await self._look(sight)
        values |= {"wanted": json.dumps([*self._best, *self._used]), "since": self._since}
        return reads.most_active_among(shape), values

    async def _look(self, sight: Sight) -> None:
        ((newest,),) = await self._fetch(reads.newest(), {})
        if self._fresh(newest or 0, sight.now):
            return
        used, self._used = self._used, set()
        values = {**parameters(self._tenant, sight), "limit": _KEPT}
        try:
            found = await self._fetch(reads.most_active_seqs(shape_of(sight)), values)
        except BaseException:
            self._used |= used
            raise
        self._best = [seq for (seq,) in found]
        self._since, self._looked_at = newest or 0, sight.now

    def _fresh(self, newest: int, now: datetime) -> bool:
        if self._looked_at is None or newest < _CHANGED:
            return False
        changed = newest - self._since + len(self._used)
        return changed < _CHANGED and abs(now - self._looked_at) < _LOOK_EVERY
