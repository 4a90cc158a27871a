"""A change of model goes on behind the answers; no text is embedded twice; health is proved."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.lowlevel
import pytest
from blockbuster import blockbuster_ctx
from support.engines import Clock, ask, contents, keep, open_memories, opened

from loci.server.embedding import HashEmbedder, Vectors, shipped
from loci.server.engine import Engine
from loci.server.engine.room import Room
from loci.server.engine.tending import embed_backlog
from loci.server.errors import InvalidInput, ModelError
from loci.server.model import Change, Draft, ForgetMode, Query, Revision

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Counting(HashEmbedder):
    """Says which documents it was given."""

    def __init__(self, dimension: int = 64) -> None:
        super().__init__(dimension)
        self.seen: list[str] = []

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return await super().embed_documents(texts)


class Broken(HashEmbedder):
    """A model that cannot be loaded."""

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        raise ModelError("The model is damaged; compile it again.")

    async def with_query(self, text: str, work: Callable[[Vectors], T]) -> T:
        return work(await self.embed_documents([text]))


async def settled(engine: Engine, tenant: str = "somebody") -> None:
    """Until the model in use has embedded everything."""
    with anyio.fail_after(30):
        while (await engine.status(tenant)).waiting:
            await anyio.lowlevel.checkpoint()


async def test_no_text_is_embedded_twice(tmp_path: Path) -> None:
    embedder = Counting()
    async with open_memories(tmp_path, embedder=embedder) as memories:
        (one,) = await keep(memories, "Said once.")
        await memories.remember([Draft(content="Said once.", namespace="elsewhere")])
        await memories.revise(one, Revision(content="Said anew."))
        await memories.revise(one, Revision(content="Said once."))
        await memories.forget([one])
        await memories.restore([one])
    assert embedder.seen == ["Said once.", "Said anew."]
    again = Counting()
    async with open_memories(tmp_path, embedder=again) as memories:
        assert await ask(memories, "Said once.") == ["Said once."]  # a repeat is shown once
    assert again.seen == []


async def test_a_new_model_embeds_behind_the_answers_and_recall_goes_on(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        for start in range(0, 300, 100):
            await keep(memories, *(f"Fact number {n}." for n in range(start, start + 100)))
        (lost,) = await keep(memories, "Deleted before the change.")
        await memories.forget([lost])
    embedder = Counting(32)
    async with opened(tmp_path, embedder=embedder) as engine:
        memories = await engine.for_tenant("somebody")
        assert "Fact number 77." in await ask(memories, "number 77")
        await settled(engine)
        facts = [text for text in embedder.seen if text.startswith("Fact")]
        assert sorted(facts) == sorted(f"Fact number {n}." for n in range(300))
        answer = await memories.recall(Query(text="number 77", explain=True))
        assert answer.recollections[0].why is not None
        assert answer.recollections[0].why.cosine is not None
    back = Counting()
    async with opened(tmp_path, embedder=back) as engine:
        assert (await engine.status("somebody")).waiting == 0
        assert [text for text in back.seen if text.startswith("Fact")] == []


async def test_restoring_what_the_model_has_not_embedded_finds_it_again(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "Deleted before the change.")
        await memories.forget([one])
    async with opened(tmp_path, embedder=Counting(32)) as engine:
        memories = await engine.for_tenant("somebody")
        await memories.restore([one])
        await settled(engine)
        answer = await memories.recall(Query(text="Deleted before the change.", explain=True))
        assert answer.recollections[0].why is not None
        assert answer.recollections[0].why.cosine is not None


async def test_what_comes_while_looking_pauses_is_embedded_after_the_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loci.server.engine.tending._LOOK_SHARE", 1_000_000)
    monkeypatch.setattr("loci.server.engine.tending._LOOK_AFTER", 2.0)
    looked = anyio.Event()

    async def look(room: Room) -> None:
        await embed_backlog(room)
        looked.set()

    monkeypatch.setattr("loci.server.engine.tending.embed_backlog", look)
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, "Deleted before the change.")
        await memories.forget([one])
    with anyio.fail_after(60):
        async with opened(tmp_path, embedder=Counting(32)) as engine:
            memories = await engine.for_tenant("somebody")
            await looked.wait()
            await memories.restore([one])
            await settled(engine)


async def test_a_model_that_fails_is_said_and_nothing_is_stored(tmp_path: Path) -> None:
    async with opened(tmp_path, embedder=Broken()) as engine:
        memories = await engine.for_tenant("somebody")
        with pytest.raises(ModelError, match="compile it again"):
            await keep(memories, "Anything.")
        assert await contents(memories) == []
        status = await engine.status("somebody")
        assert (status.healthy, status.canary) == (False, "The model is damaged; compile it again.")


async def test_the_status_counts_and_names_the_model_and_leaves_no_canary(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("somebody")
        ids = await keep(memories, "One.", "Two.", "Three.")
        await memories.forget(ids[:1], ForgetMode.ARCHIVE)
        status = await engine.status("somebody")
        assert dict(status.tiers) == {"hot": 2, "warm": 0, "cold": 1}
        assert dict(status.kinds) == {"semantic": 3}
        assert status.embedder == HashEmbedder().identity
        assert status.healthy
        assert status.canary.startswith("written, recalled and erased")
        for name in ("", "~canary", "a\nb", "x" * 201):
            with pytest.raises(InvalidInput, match="tenant"):
                await engine.for_tenant(name)
    assert b"canary sings" not in await anyio.Path(tmp_path / "ledger.db").read_bytes()


async def test_changes_are_announced_after_their_commit(tmp_path: Path) -> None:
    heard: list[Change] = []
    async with opened(tmp_path) as engine:
        memories = await engine.for_tenant("somebody")

        async def listen(change: Change) -> None:
            assert change.tenant == "somebody"
            heard.append(change)

        engine.on_change(listen)
        (one,) = await keep(memories, "Heard.")
        await memories.revise(one, Revision(pinned=True))
        await memories.forget([one])
        await memories.restore([one])
        await memories.forget([one], ForgetMode.ERASE)
    assert [change.ids for change in heard] == [(one,)] * 5


async def test_nothing_blocks_the_event_loop(tmp_path: Path) -> None:
    async with open_memories(tmp_path, embedder=shipped(), clock=Clock()) as memories:
        await keep(memories, "Warm.")
        await ask(memories, "Warm?")
        with blockbuster_ctx():
            ids = await keep(memories, *(f"Fact {n}. {'More words. ' * 200}" for n in range(10)))
            await ask(memories, "Which fact?")
            await memories.revise(ids[0], Revision(content="Changed."))
            await memories.forget(ids[:2])
            await memories.restore(ids[:1])
            await memories.forget(ids[:1], ForgetMode.ERASE)
            await memories.page()
            await memories.hot()
