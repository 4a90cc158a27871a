"""`loci demo`: a real server remembers, recalls, revises and forgets, and is restarted."""

import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from rich.text import Text

from ..errors import LociError
from .demo_server import DemoServer, running
from .exits import Exit
from .loop import run_loop
from .output import people, progress
from .script import Question, Script, Turn, read_script

__all__ = ["demo"]

_AT_ONCE = 16
_SHOWN = 3


def demo(home: Path | None, conversation: Path | None, questions: Path | None) -> Exit:
    """Play the demo. Raises LociError where the server does not do what it should."""
    script = read_script(conversation, questions)
    with _kept(home) as folder:
        _say(f"An empty memory in {folder}; `loci stdio` serves it over MCP.")
        failure = run_loop(_play, folder, script)
    if failure is not None:
        raise failure
    _say("Connect a client: loci connect claude-desktop | claude-code | cursor | vscode")
    return Exit.OK


@contextmanager
def _kept(home: Path | None) -> Generator[Path]:
    if home is not None:
        yield home.expanduser().absolute()
        return
    with tempfile.TemporaryDirectory(prefix="loci-demo-") as folder:
        yield Path(folder)


async def _play(home: Path, script: Script) -> LociError | None:
    """The failure is returned: task groups wrap what is raised."""
    failures: list[LociError] = []
    try:
        await _first_life(home, script)
        await _second_life(home, script)
    except* LociError as group:
        failures += _leaves(group)
    return failures[0] if failures else None


def _leaves(group: BaseExceptionGroup[LociError]) -> Iterator[LociError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _first_life(home: Path, script: Script) -> None:
    async with running(home) as server:
        _say(f"The server answers in protocol {server.protocol}. Remembering, turn by turn:")
        await _remember(server, script.turns)
        for question in script.questions:
            await _ask(server, question)
        if script.revise is not None:
            await _revise(server, *script.revise)
        await _forget(server, script.forget)


async def _second_life(home: Path, script: Script) -> None:
    _say("The server is stopped and started again. What was remembered is there:")
    async with running(home) as server:
        for question in script.questions[:2]:
            await _ask(server, question)
        if script.revise is not None:
            await _ask(server, Question(script.revise[0]))
        await _ask(server, Question(script.forget))


async def _remember(server: DemoServer, turns: list[Turn]) -> None:
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    started = time.perf_counter()

    async def one(turn: Turn) -> None:
        async with limiter:
            await server.call("remember", **turn.arguments())
        bar.advance(bar.task_ids[0])

    with progress("Remembering", len(turns)) as bar:
        async with anyio.create_task_group() as tasks:
            for turn in turns:
                tasks.start_soon(one, turn)
    taken = time.perf_counter() - started
    _say(f"{len(turns):,} memories in {taken:.1f} s, each on the disk before it was acknowledged.")


async def _ask(server: DemoServer, question: Question) -> None:
    found = await server.call("recall", query=question.question, limit=_SHOWN)
    expected = f"   (it was: {question.answer})" if question.answer else ""
    people().print(Text(f"\n? {question.question}{expected}", style="bold"), soft_wrap=True)
    for one in found["recollections"]:
        people().print(_line(one), soft_wrap=True)
    if not found["recollections"]:
        people().print(Text("  nothing relevant is remembered", style="italic"))


def _line(one: dict[str, Any]) -> Text:
    line = Text(f"  {one['relevance']:.2f}  {one['when'][:10]}  ", style="dim")
    line.append(f"{one['speaker']}: " if "speaker" in one else "", style="cyan not dim")
    return line.append(" ".join(str(one["content"]).split()), style="not dim")


async def _first_found(server: DemoServer, question: str) -> dict[str, Any]:
    found = (await server.call("recall", query=question, limit=1))["recollections"]
    if not found:
        raise LociError(f"The demo expected an answer to {question!r}, and there was none.")
    return found[0]


async def _revise(server: DemoServer, question: str, content: str) -> None:
    memory = await _first_found(server, question)
    await server.call("revise", id=memory["id"], content=content)
    _say(f"Revised {memory['id']}; its first version stays readable.")
    await _ask(server, Question(question))


async def _forget(server: DemoServer, question: str) -> None:
    await _ask(server, Question(question))
    memory = await _first_found(server, question)
    receipt = await server.call("forget", ids=[memory["id"]], mode="erase")
    residue = receipt["residue"]
    if residue["found"]:
        raise LociError(f"Traces of {memory['id']} stay in: {', '.join(residue['found'])}.")
    looked = ", ".join(residue["scanned"])
    _say(f"Erased {memory['id']}. No trace of it is left in: {looked}.")
    again = await server.call("recall", query=question)
    if memory["id"] in [one["id"] for one in again["recollections"]]:
        raise LociError(f"{memory['id']} was erased, and is still found.")
    await _ask(server, Question(question))


def _say(text: str) -> None:
    people().print(Text(f"\n{text}", style="green"), soft_wrap=True)
