"""The vectors by which the best are compared with each other: from memory, or from the ledger."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from support.engines import keep, open_memories

from loci.server.embedding import HashEmbedder, Vectors
from loci.server.home import DATABASE
from loci.server.index import Found
from loci.server.ledger import Sight, TenantLedger, open_ledger, seqs_of
from loci.server.model import Filters, utc_now
from loci.server.retrieval.dense import Dense
from loci.server.retrieval.matrices import Matrices

pytestmark = pytest.mark.anyio


async def test_a_memory_s_first_vector_is_the_same_from_memory_and_from_the_ledger(
    tmp_path: Path,
) -> None:
    embedder = HashEmbedder(64)
    long = " ".join(f"Point {n} of the agenda was put off." for n in range(400))
    async with open_memories(tmp_path, embedder=embedder) as memories:
        await keep(memories, "Tea at four.", long, "The harbour is deep.")
    async with open_ledger(tmp_path / DATABASE) as ledger:
        mine = await ledger.for_tenant(
            "somebody", model=embedder.identity, dimension=embedder.dimension
        )
        dense = Dense(mine, Matrices(1 << 20), 1000)
        assert await dense.count() > 3
        seqs = await mine.current_seqs()
        read = await dense.firsts(seqs)
        assert np.linalg.norm(read, axis=1) == pytest.approx(1, abs=1e-3)
        # Whoever searches has them in a matrix from then on.
        await dense.nearest(read[:1], 1)
        np.testing.assert_allclose(await dense.firsts(seqs), read, atol=1e-6)
        np.testing.assert_allclose(await dense.firsts([seqs[2], 9999]), [read[2], 0 * read[2]])
        await dense.aclose()


LONG = " ".join(f"Point {n} of the agenda was put off." for n in range(400))


@asynccontextmanager
async def harbours(home: Path) -> AsyncGenerator[tuple[TenantLedger, Dense, Vectors]]:
    """A tenant with one long memory among short ones, its vectors, and a question's."""
    embedder = HashEmbedder(64)
    async with open_memories(home, embedder=embedder) as memories:
        await keep(memories, "Tea at four.", LONG, *(f"Harbour {n} is deep." for n in range(20)))
    async with open_ledger(home / DATABASE) as ledger:
        mine = await ledger.for_tenant(
            "somebody", model=embedder.identity, dimension=embedder.dimension
        )
        dense = Dense(mine, Matrices(1 << 20), 1000)
        yield mine, dense, await embedder.embed_query("Which point of the agenda?")
        await dense.aclose()


async def test_what_is_compared_at_hand_is_what_a_search_finds(tmp_path: Path) -> None:
    sight = Sight(filters=Filters(), now=utc_now())
    async with harbours(tmp_path) as (_, dense, query):
        assert dense.at_hand(sight, 5) is None
        found = await dense.search(query[0], sight, 5)
        compare = dense.at_hand(sight, 5)
        assert compare is not None
        assert list(compare(query).nearest.items()) == list(found.items())
        assert len(found) == 5
        for filters in (Filters(session="talk"), Filters(as_of=utc_now())):
            assert dense.at_hand(Sight(filters=filters, now=utc_now()), 5) is None


async def test_what_is_known_is_not_compared_again(tmp_path: Path) -> None:
    sight = Sight(filters=Filters(), now=utc_now())
    async with harbours(tmp_path) as (mine, dense, query):
        seqs = await mine.current_seqs()
        choices = [seqs[:12], seqs[8:]]
        each = await dense.among(query[0], choices, 5)
        compare = dense.at_hand(sight, 5)
        assert compare is not None
        passages = compare(query).passages
        assert passages is not None
        ids, cosines = passages
        for known in (ids >= 0, seqs_of(ids) > seqs[4]):
            some = Found(ids[known], cosines[known])
            assert dict(await dense.among(query[0], choices, 5, some)) == pytest.approx(dict(each))
        again = await dense.among(query[0], choices, 5, Found(ids, cosines * 0))
        assert set(again.values()) == {0.0}


async def test_what_codes_find_is_not_taken_for_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.retrieval.matrices.CODED", 10)
    sight = Sight(filters=Filters(), now=utc_now())
    async with harbours(tmp_path) as (_, dense, query):
        found = await dense.search(query[0], sight, 5)
        assert dense.coded
        compare = dense.at_hand(sight, 5)
        assert compare is not None
        near = compare(query)
        assert list(near.nearest.items()) == list(found.items())
        assert near.passages is None
