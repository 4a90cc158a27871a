"""Real questions to 10,000 memories of real conversations: `LOCI_BENCH_DATA=FOLDER python -m pytest -m bench -s
tests/benchmarks/test_bench_questions.py`.

The folder has NAME.corpus.jsonl[.gz] and NAME.queries.jsonl[.gz], as `loci eval` reads them. All conversations
go to one tenant until it has 10,000 memories, the smaller corpora first; each corpus's questions are asked beside
the bare embedding.
"""

import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

import pytest
from support.engines import opened

from loci.server.cli.evaluation_data import Row, corpora_in, read_corpus
from loci.server.embedding import shipped
from loci.server.model import Draft, Query

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.bench,
    pytest.mark.skipif("LOCI_BENCH_DATA" not in os.environ, reason="LOCI_BENCH_DATA names none"),
]

STORED = 10_000
WARM = 40


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `loci stdio` runs on."""
    return "asyncio", {"use_uvloop": True}


def draft(row: Row) -> Draft:
    at = datetime.fromisoformat(row.ts) if row.ts else None
    return Draft(
        content=row.text,
        speaker=row.speaker,
        session=f"{row.tenant} {row.session}",
        at=at.replace(tzinfo=at.tzinfo or UTC) if at else None,
    )


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1e3


async def test_real_questions_beside_the_bare_embedding(tmp_path: Path) -> None:
    corpora = [read_corpus(*pair) for pair in corpora_in(Path(os.environ["LOCI_BENCH_DATA"]))]
    corpora.sort(key=lambda corpus: sum(map(len, corpus.rows.values())))
    rows = chain.from_iterable(rows for one in corpora for rows in one.rows.values())
    embedder = shipped()
    async with opened(tmp_path, embedder=shipped()) as engine:
        local = await engine.for_tenant("local")
        drafts = [draft(row) for row in islice(rows, STORED)]
        for start in range(0, len(drafts), 100):
            await local.remember(drafts[start : start + 100])
        for corpus in corpora:
            asked = [line.question for lines in corpus.questions.values() for line in lines]
            for text in asked[:WARM]:
                await local.recall(Query(text=text))
            pairs = [
                (
                    await timed(lambda text=text: embedder.embed_query(text)),
                    await timed(lambda text=text: local.recall(Query(text=text))),
                )
                for text in dict.fromkeys(asked[WARM:])
                if text.strip()
            ]
            if not pairs:
                continue
            bare, whole = (statistics.median(one) for one in zip(*pairs, strict=True))
            sys.stdout.write(
                f"\n{corpus.name}: {len(pairs)} questions, {whole:.2f} ms beside {bare:.2f}: "
                f"{whole / bare:.2f} embeddings"
            )
    await embedder.aclose()
