"""What a user can start: prompts, whose texts are the files of this folder.

Above stand the transports, which register them and show the instructions at the handshake. A prompt
tells the model which tools to use; it reads no memory itself.
"""

import importlib.resources
from collections.abc import Awaitable, Callable
from typing import Annotated

from mcp.server.mcpserver.prompts import Prompt
from pydantic import Field

__all__ = ["instructions", "prompts"]


def instructions() -> str:
    """What every client is told at the handshake, most important first."""
    return _read("instructions")


def prompts() -> list[Prompt]:
    """In the order in which they are listed."""
    return [_recall_first(), _remember_session(), _handoff(), _reflect_on(), _onboard()]


def _recall_first() -> Prompt:
    text = _read("recall_first")

    async def fill(topic: Annotated[str, Field(description="What it is about")]) -> str:
        return text.format(topic=topic)

    return _prompt(fill, "recall_first", "Recall first", "Answer from memory before all else.")


def _remember_session() -> Prompt:
    text = _read("remember_session")

    async def fill(session: Annotated[str, Field(description="A name for this session")]) -> str:
        return text.format(session=session)

    return _prompt(
        fill, "remember_session", "Remember this session", "Keep what will matter later."
    )


def _handoff() -> Prompt:
    text = _read("handoff")

    async def fill(
        board: Annotated[str, Field(description="The blackboard to leave it on")],
        to: Annotated[str, Field(description="The agent that takes over")],
    ) -> str:
        return text.format(board=board, to=to)

    return _prompt(fill, "handoff", "Hand over to another agent", "Leave the work on a blackboard.")


def _reflect_on() -> Prompt:
    text = _read("reflect_on")

    async def fill(period: Annotated[str, Field(description="Such as last week")]) -> str:
        return text.format(period=period)

    return _prompt(fill, "reflect_on", "Reflect on a period", "What happened, and what follows.")


def _onboard() -> Prompt:
    text = _read("onboard")

    async def fill(namespace: Annotated[str, Field(description="Such as work/loci")]) -> str:
        return text.format(namespace=namespace)

    return _prompt(fill, "onboard", "Get to know a namespace", "What is known in it, in short.")


def _prompt(fill: Callable[..., Awaitable[str]], name: str, title: str, description: str) -> Prompt:
    return Prompt.from_function(fill, name=name, title=title, description=description)


def _read(name: str) -> str:
    file = importlib.resources.files(__name__).joinpath(f"{name}.md")
    return file.read_text(encoding="utf-8").strip()
