"""What can be asked at the shell: one function for each verb, carried out at a desk.

`VERBS` is the whole list. A verb's annotations say what travels between a shell and the daemon
(`calls`): what it takes and what it answers are values of the model, and nothing says whose memories
are meant.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..model import (
    Card,
    Cards,
    Draft,
    EntityType,
    ForgetMode,
    Forgotten,
    IndexStatus,
    Memory,
    Page,
    Query,
    Recall,
    Remembered,
    Selection,
    Status,
    Tier,
)
from .desk import Desk

__all__ = [
    "VERBS",
    "Shell",
    "ShellDesk",
    "Verb",
    "at_desk",
    "entities",
    "forget",
    "get",
    "history",
    "index",
    "merge",
    "page",
    "recall",
    "reindex",
    "remember",
    "restore",
    "select",
    "status",
]

A = TypeVar("A")
P = ParamSpec("P")


class ShellDesk(Desk, Protocol):
    """A desk that a person looks after as well."""

    async def index(self) -> IndexStatus:
        """What state the caller's index is in."""
        ...

    async def reindex(self) -> IndexStatus:
        """Build the caller's index anew. Raises IndexFailed."""
        ...


Verb = Callable[Concatenate[ShellDesk, P], Awaitable[A]]


class Shell(Protocol):
    """Has verbs carried out, here or in the daemon. Several may be under way at once.

    Raises what the verb raises; all of it is a LociError.
    """

    async def __call__(self, verb: Verb[P, A], /, *args: P.args, **kwargs: P.kwargs) -> A: ...


def at_desk(desk: ShellDesk) -> Shell:
    """A shell in the process that has the desk."""

    async def carry_out(verb: Verb[P, A], /, *args: P.args, **kwargs: P.kwargs) -> A:
        return await verb(desk, *args, **kwargs)

    return carry_out


async def remember(desk: ShellDesk, drafts: Sequence[Draft]) -> list[Remembered]:
    """Raises InvalidInput, NotFound."""
    return await (await desk.memories()).remember(drafts)


async def recall(desk: ShellDesk, query: Query) -> Recall:
    """Raises InvalidInput."""
    return await (await desk.memories()).recall(query)


async def forget(desk: ShellDesk, ids: Sequence[str], mode: ForgetMode) -> Forgotten:
    """Raises NotFound."""
    return await (await desk.memories()).forget(ids, mode)


async def restore(desk: ShellDesk, ids: Sequence[str]) -> tuple[str, ...]:
    """Raises NotFound."""
    return await (await desk.memories()).restore(ids)


async def select(desk: ShellDesk, selection: Selection, mode: ForgetMode) -> tuple[list[str], str]:
    """Raises InvalidInput."""
    return await (await desk.memories()).select(selection, mode)


async def get(desk: ShellDesk, name: str) -> Memory:
    """Raises NotFound."""
    return await (await desk.memories()).get(name)


async def history(desk: ShellDesk, name: str) -> list[Memory]:
    """Raises NotFound."""
    return await (await desk.memories()).history(name)


async def page(desk: ShellDesk, tier: Tier | None, cursor: str | None, limit: int) -> Page:
    """Raises InvalidInput."""
    return await (await desk.memories()).page(tier, cursor=cursor, limit=limit)


async def entities(
    desk: ShellDesk, query: str, kind: EntityType | None, limit: int, max_tokens: int
) -> Cards:
    """Raises InvalidInput."""
    memories = await desk.memories()
    return await memories.entities(query, kind, limit=limit, max_tokens=max_tokens)


async def merge(desk: ShellDesk, into: str, others: Sequence[str], undo: bool) -> Card:
    """Raises NotFound, InvalidInput."""
    return await (await desk.memories()).merge(into, others, undo=undo)


async def status(desk: ShellDesk) -> Status:
    """How the caller's memory is doing."""
    return await desk.status()


async def index(desk: ShellDesk) -> IndexStatus:
    """What state the caller's index is in."""
    return await desk.index()


async def reindex(desk: ShellDesk) -> IndexStatus:
    """Raises IndexFailed."""
    return await desk.reindex()


_ALL = (
    remember,
    recall,
    forget,
    restore,
    select,
    get,
    history,
    page,
    entities,
    merge,
    status,
    index,
    reindex,
)

VERBS: Mapping[str, Callable[..., Awaitable[Any]]] = {verb.__name__: verb for verb in _ALL}
"""By their names."""
