"""Real engines over real ledgers, with the hash embedder where meaning does not matter."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loci.server.embedding import Embedder, HashEmbedder, Reranker
from loci.server.engine import Engine, Limits, Memories, open_engine
from loci.server.entities import Extractor
from loci.server.index.running import open_shelves
from loci.server.ledger import open_ledger
from loci.server.model import Draft, Filters, Query
from loci.server.tokens import TokenCounter

__all__ = ["START", "Clock", "ask", "contents", "keep", "open_memories", "opened"]

START = datetime(2026, 1, 1, tzinfo=UTC)
_COUNTER = TokenCounter()
"""Its table takes .2 s to build: once is enough."""


@dataclass
class Clock:
    """A time that a test sets."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        """Every look at it is a microsecond later, as no two real ones are the same."""
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_days(self, days: float) -> None:
        """Let time pass."""
        self.now += timedelta(days=days)


@asynccontextmanager
async def opened(
    home: Path,
    *,
    clock: Clock | None = None,
    embedder: Embedder | None = None,
    limits: Limits | None = None,
    index: bool = False,
    url: str | None = None,
    reranker: Reranker | None = None,
    extractor: Extractor | None = None,
) -> AsyncGenerator[Engine]:
    """An engine over the database in a directory, with an index if asked for."""
    async with (
        open_ledger(home / "ledger.db") as ledger,
        open_shelves(home / "index", url) if index else nullcontext() as shelves,
        open_engine(
            ledger,
            embedder or HashEmbedder(),
            _COUNTER,
            clock=clock or Clock(),
            limits=limits,
            shelves=shelves,
            reranker=reranker,
            extractor=extractor,
        ) as engine,
    ):
        yield engine


@asynccontextmanager
async def open_memories(
    home: Path,
    *,
    clock: Clock | None = None,
    embedder: Embedder | None = None,
    limits: Limits | None = None,
) -> AsyncGenerator[Memories]:
    """One tenant's memories in such an engine."""
    async with opened(home, clock=clock, embedder=embedder, limits=limits) as engine:
        yield await engine.for_tenant("somebody")


async def keep(memories: Memories, *texts: str) -> list[str]:
    """Remember texts; their ids."""
    return [one.id for one in await memories.remember([Draft(content=text) for text in texts])]


async def ask(memories: Memories, question: str, filters: Filters | None = None) -> list[str]:
    """The contents that come back, most relevant first."""
    query = Query(text=question, limit=100, max_tokens=100_000, filters=filters or Filters())
    return [one.memory.content for one in (await memories.recall(query)).recollections]


async def contents(memories: Memories) -> list[str]:
    """All that is current, newest first."""
    return [memory.content for memory in (await memories.page()).memories]
