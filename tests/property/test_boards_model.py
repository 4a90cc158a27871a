"""Eight agents write to one board over sessions of both eras, as fast as they can, against a model.

Every acknowledged write has a version of its own, and none is missing between them. Written down in
the order of their versions, they make of a plain dictionary exactly what each was answered and what
the board holds in the end. Nobody's compare-and-swap is lost, and nobody reads another's board.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import hypothesis.strategies as st
from hypothesis import given, settings
from mcp import Client
from support.sessions import open_server, sessions

from loci.server.workspace.board_ops import merge_patch

AGENTS = [f"agent {number}" for number in range(8)]
KEYS = ("a", "b", "ü/ö")
INCREMENTS = 4

steps = st.tuples(
    st.sampled_from(("set", "append", "merge", "delete", "swap")),
    st.sampled_from(KEYS),
    st.sampled_from((1, "text", None, [1], {"x": 1, "y": {"z": None}}, {"x": None})),
)
programs = st.lists(st.lists(steps, max_size=4), min_size=len(AGENTS), max_size=len(AGENTS))


@dataclass
class Acknowledged:
    """A write that was not refused."""

    op: str
    key: str
    value: Any
    answer: dict[str, Any]


async def call(client: Client, **arguments: Any) -> tuple[bool, dict[str, Any]]:
    result = await client.call_tool("blackboard_write", {"board": "plan", **arguments})
    return not result.is_error, result.structured_content or {}


async def read(client: Client, **arguments: Any) -> dict[str, Any]:
    given_ = {"board": "plan", "limit": 1000, "max_tokens": 100_000, **arguments}
    result = await client.call_tool("blackboard_read", given_)
    assert result.structured_content is not None, result
    return result.structured_content


class Agent:
    """One writer, and what it was told."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.writes: list[Acknowledged] = []

    async def run(self, program: list[tuple[str, str, Any]]) -> None:
        for op, key, value in program:
            if op == "swap":
                await self.try_write("set", key, value, if_version=await self.version_of(key))
            else:
                await self.try_write(op, key, value)
        for _ in range(INCREMENTS):
            await self.increment()
        kept, _ = await call(self.client, key="own", value=self.name, private=True)
        assert kept

    async def increment(self) -> None:
        """Read, add one, and try again as long as another was quicker."""
        cell: dict[str, Any] = {"value": 0, "version": 0}
        while True:
            more = {"key": "count", "value": cell["value"] + 1, "if_version": cell["version"]}
            if await self.try_write("set", **more):
                return
            found = (await read(self.client, key="count"))["cells"]
            cell = found[0] if found else cell

    async def try_write(self, op: str, key: str, value: Any, **more: Any) -> bool:
        kept, answer = await call(self.client, key=key, value=value, op=op, **more)
        if kept:
            self.writes.append(Acknowledged(op, key, value, answer))
        return kept

    async def version_of(self, key: str) -> int:
        found = (await read(self.client, key=key))["cells"]
        return found[0]["version"] if found else 0


def applied(board: dict[str, Any], write: Acknowledged) -> None:
    """What the write makes of the model."""
    match write.op:
        case "set":
            board[write.key] = write.value
        case "append":
            old = board.get(write.key, [])
            board[write.key] = old + (write.value if isinstance(old, str) else [write.value])
        case "merge":
            board[write.key] = merge_patch(board.get(write.key), write.value)
        case _:
            del board[write.key]


async def check(agents: list[Agent]) -> None:
    writes = [write for agent in agents for write in agent.writes]
    writes.sort(key=lambda write: write.answer["version"])
    assert [write.answer["version"] for write in writes] == list(range(1, len(writes) + 1))
    board: dict[str, Any] = {}
    for write in writes:
        applied(board, write)
        if write.op == "delete":
            assert write.answer["gone"] == "delete"
        else:
            assert write.answer["value"] == board[write.key]
    assert board["count"] == len(agents) * INCREMENTS
    for agent in agents:
        assert {write.answer["by"] for write in agent.writes} == {agent.name}
        page = await read(agent.client)
        assert {cell["key"]: cell["value"] for cell in page["cells"]} == board
        assert page["version"] == len(writes)
        own = await read(agent.client, private=True)
        assert [cell["value"] for cell in own["cells"]] == [agent.name]


async def run(home: Path, given_programs: list[list[tuple[str, str, Any]]]) -> None:
    with anyio.fail_after(120):
        async with open_server(home) as server, sessions(server, AGENTS) as clients:
            agents = [Agent(name, one) for name, one in zip(AGENTS, clients, strict=True)]
            async with anyio.create_task_group() as tasks:
                for agent, program in zip(agents, given_programs, strict=True):
                    tasks.start_soon(agent.run, program)
            await check(agents)


@settings(max_examples=5, deadline=None)
@given(programs)
def test_eight_writers_against_a_model(program: list[list[tuple[str, str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        anyio.run(run, Path(home), program)
