"""A tenant's warm and cold tiers: what they hold, and how it is moved. `TenantLedger.tiers`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from anyio import to_thread
from sqlalchemy import Connection

from ..model import from_micros
from . import cold, outbox
from .cold import Moved
from .jobs import Do
from .packing import pack_texts
from .readers import Readers
from .writer import Writer

__all__ = ["TierLedger", "WarmSize"]

_PAGE = 5000
_FRAMES = 64
"""Contents that are packed in one transaction: it must not keep others waiting."""


class WarmSize(NamedTuple):
    """What the warm tier holds, hot ones included."""

    memories: int
    bytes: int
    tokens: int
    uncounted: int
    """Memories whose tokens are not among those."""
    used_at: datetime | None
    """The earliest last use of any."""


class TierLedger:
    """One tenant's memories by tier. Nothing here decides who moves."""

    __slots__ = ("_feeding", "_model", "_readers", "_tenant", "_writer")

    def __init__(
        self, tenant: int, model: int, readers: Readers, writer: Writer, *, feeding: bool
    ) -> None:
        self._tenant = tenant
        self._model = model
        self._readers = readers
        self._writer = writer
        self._feeding = feeding

    async def size(self) -> WarmSize:
        """How much the warm tier holds."""
        found = await self._readers.fetch(cold.warm_size(), {"tenant": self._tenant})
        count, size, tokens, uncounted, used = found[0]
        at = None if used is None else from_micros(used)
        return WarmSize(count, size, tokens or 0, uncounted, at)

    async def held(self) -> AsyncGenerator[list[tuple[Any, ...]]]:
        """All that the warm tier holds, some at a time, by seq: seq, id, uses, when remembered, when
        last used, pinned, bytes and tokens (0 where they are not counted)."""
        after = 0
        while True:
            values = {"tenant": self._tenant, "after": after, "limit": _PAGE}
            rows = await self._readers.fetch(cold.held(), values)
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    async def uncounted(self, limit: int) -> list[tuple[int, str]]:
        """Seqs and contents of warm ones whose tokens are not counted."""
        values = {"tenant": self._tenant, "limit": limit}
        return [(seq, text) for seq, text in await self._readers.fetch(cold.uncounted(), values)]

    async def count_tokens(self, counts: Mapping[int, int]) -> None:
        """Note how many tokens contents have, by seq."""
        await self._writer.write(Do(lambda c: cold.count_tokens(c, self._tenant, counts)))

    async def chill(self, seen: Mapping[int, datetime]) -> Moved:
        """Move versions to the cold tier, by seq, with when each was last used as far as was seen."""

        def job(connection: Connection) -> Moved:
            moved = cold.chill(connection, self._tenant, self._model, seen)
            if self._feeding:
                outbox.append(connection, self._tenant, moved.delta)
            return moved

        return await self._writer.write(Do(job))

    async def pack(self) -> int:
        """Compress what is cold and not yet compressed, some at a time; how many it were."""
        packed = 0
        while rows := await self._unpacked():
            frames = await to_thread.run_sync(_frames, rows)
            await self._writer.write(Do(lambda c, f=frames: cold.pack(c, self._tenant, f)))
            packed += len(rows)
        return packed

    async def _unpacked(self) -> Sequence[tuple[int, str]]:
        values = {"tenant": self._tenant, "limit": _FRAMES}
        return [(seq, text) for seq, text in await self._readers.fetch(cold.unpacked(), values)]


def _frames(rows: Sequence[tuple[int, str]]) -> dict[int, bytes]:
    frames = pack_texts([text for _, text in rows])
    return {seq: frame for (seq, _), frame in zip(rows, frames, strict=True)}
