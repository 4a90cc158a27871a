"""A cell becomes a memory with its history as provenance; an erasure reaches both."""

from pathlib import Path

import anyio
import pytest
from support.boards import as_agent, cells_of, open_boards, values, write
from support.engines import contents, keep, opened

from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Actor, BoardQuery, CellWrite, Draft, ForgetMode

pytestmark = pytest.mark.anyio

ANN = Actor(agent="ann")
SECRET = "The vault behind the Whistler opens with 7731 and a quarter turn to the left."


async def test_a_cell_is_remembered_with_its_history(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann, bob = as_agent(memories), as_agent(memories, "bob")
        await write(ann, "choice", "We might use Postgres.")
        await write(bob, "choice", "We use Postgres.")
        done = await memories.promote_cell(
            ANN, "plan", "choice", draft=Draft(content="", agent="ann")
        )
        memory = await memories.get(done.memory)
        assert (memory.content, memory.agent) == ("We use Postgres.", "ann")
        assert memory.metadata == {
            "board": "plan",
            "cell": "choice",
            "cell_version": 2,
            "cell_history": "2 set by bob at 2026-01-01T00:00:00Z; "
            "1 set by ann at 2026-01-01T00:00:00Z",
        }
        again = await memories.promote_cell(ANN, "plan", "choice")
        assert (again.memory, again.status) == (done.memory, "duplicate")
        assert await values(ann) == {"choice": "We use Postgres."}


async def test_what_is_no_text_needs_a_statement(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        await write(as_agent(memories), "load", {"p95": 4})
        with pytest.raises(InvalidInput, match="load holds no text"):
            await memories.promote_cell(ANN, "plan", "load")
        draft = Draft(content="The p95 of a search is 4 ms.")
        done = await memories.promote_cell(ANN, "plan", "load", draft=draft)
        assert (await memories.get(done.memory)).content == "The p95 of a search is 4 ms."
        with pytest.raises(NotFound, match="There is no cell 'nothing'"):
            await memories.promote_cell(ANN, "plan", "nothing")


async def test_a_long_history_is_cut_and_counted(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        for number in range(80):
            await write(ann, "a", f"Version {number}.")
        done = await memories.promote_cell(ANN, "plan", "a")
        told = str((await memories.get(done.memory)).metadata["cell_history"])
        assert told.startswith("80 set by ann")
        assert len(told) <= 2020
        assert told.endswith(f"{80 - told.count(' by ')} earlier")


async def test_erasing_the_memory_erases_the_cell_that_it_came_from(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        await ann.write("plan", CellWrite(key="vault", value="An earlier " + SECRET, request="one"))
        await write(ann, "vault", SECRET)
        await write(ann, "other", 1)
        done = await memories.promote_cell(ANN, "plan", "vault")
        await write(ann, "vault", "Ask me.")
        receipt = await memories.forget([done.memory], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        # What was written later is not what the memory said.
        assert await values(ann) == {"other": 1, "vault": "Ask me."}
        assert await cells_of(ann, key="vault", history=True) == [("vault", "Ask me.", 4)]
    async for file in anyio.Path(tmp_path).rglob("*"):
        assert SECRET.encode() not in await file.read_bytes(), file


async def test_a_cell_that_still_says_it_is_gone_and_everybody_is_told(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        ann = as_agent(memories)
        await write(ann, "vault", SECRET)
        done = await memories.promote_cell(ANN, "plan", "vault")
        receipt = await memories.forget([done.memory], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert await cells_of(ann, since_version=1) == [("vault", "erase", 2)]
        assert await cells_of(ann, key="vault", history=True) == [("vault", "erase", 2)]


async def test_another_cell_that_says_the_same_is_no_residue(tmp_path: Path) -> None:
    async with open_boards(tmp_path) as memories:
        (name,) = await keep(memories, SECRET)
        await write(as_agent(memories), "copy", SECRET)
        receipt = await memories.forget([name], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert await values(as_agent(memories)) == {"copy": SECRET}


async def test_a_tenant_sees_no_board_of_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        await write(as_agent(ada), "a", SECRET)
        await write(as_agent(ada), "a", "mine", private=True)
        theirs = as_agent(bob)
        assert await theirs.all() == []
        assert await theirs.complete("") == []
        assert await theirs.complete_key("plan", "") == []
        assert (await theirs.read("plan", BoardQuery())).version == 0
        assert await values(theirs, private=True) == {}
        assert await cells_of(theirs, key="a", history=True) == []
        with pytest.raises(NotFound):
            await bob.promote_cell(ANN, "plan", "a")
        assert await write(theirs, "a", "other") == 1
        assert (await values(as_agent(ada)))["a"] == SECRET
        assert await contents(bob) == []
