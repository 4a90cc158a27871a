"""What can be asked at the shell: one function for each verb, carried out at a desk.

`VERBS` is the whole list. A verb's annotations say what travels between a shell and the daemon
(`calls`): what it takes and what it answers are values of the model, and nothing says whose memories
are meant.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..model import (
    AuditEntry,
    Board,
    BoardPage,
    BoardQuery,
    Card,
    Cards,
    CellWrite,
    Cycle,
    Draft,
    EntityType,
    ForgetMode,
    Forgotten,
    IndexStatus,
    Issued,
    Memory,
    Pad,
    Page,
    Query,
    Recall,
    Reflection,
    Remembered,
    Selection,
    Status,
    TenantErased,
    TenantRow,
    Tier,
    Token,
    Undone,
    Written,
)
from .administration import Administration
from .caller import current_caller
from .desk import Desk

if TYPE_CHECKING:
    from ..workspace import Boards

__all__ = [
    "VERBS",
    "Shell",
    "ShellDesk",
    "Verb",
    "at_desk",
    "audit",
    "board",
    "board_write",
    "boards",
    "create_tenant",
    "create_token",
    "cycles",
    "entities",
    "erase_tenant",
    "forget",
    "get",
    "history",
    "index",
    "merge",
    "pad",
    "pads",
    "page",
    "recall",
    "reflect",
    "reindex",
    "remember",
    "restore",
    "revoke_token",
    "select",
    "status",
    "tenants",
    "tokens",
    "undo",
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

    @property
    def administration(self) -> Administration:
        """Of all tenants: for whoever has the data directory, and for nobody over the network."""
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


async def pads(desk: ShellDesk) -> list[str]:
    """Sessions that have a scratchpad, last written first, at most 100."""
    return await (await desk.memories()).pads()


async def pad(desk: ShellDesk, session: str) -> Pad:
    """Raises InvalidInput."""
    return await (await desk.memories()).pad(session)


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


async def boards(desk: ShellDesk) -> list[Board]:
    """The boards that the caller may read."""
    return await (await _boards(desk)).all()


async def board(desk: ShellDesk, name: str, query: BoardQuery) -> BoardPage:
    """Raises InvalidInput."""
    return await (await _boards(desk)).read(name, query)


async def board_write(desk: ShellDesk, name: str, write: CellWrite) -> Written:
    """Raises InvalidInput, Stale, NotFound."""
    return await (await _boards(desk)).write(name, write)


async def _boards(desk: ShellDesk) -> "Boards":
    # Who sits at the machine is bound by the rights of no board.
    return (await desk.memories()).boards(current_caller().actor(operator=True))


async def reflect(desk: ShellDesk, namespace: str | None, dry_run: bool) -> Reflection:
    """Raises InvalidInput."""
    return await (await desk.memories()).reflect(namespace, dry_run=dry_run)


async def undo(desk: ShellDesk) -> Undone:
    """Take back the last cycle of consolidation."""
    return await (await desk.memories()).undo()


async def cycles(desk: ShellDesk) -> list[Cycle]:
    """What consolidation did."""
    return await (await desk.memories()).cycles()


async def tenants(desk: ShellDesk) -> list[TenantRow]:
    """All tenants."""
    return await desk.administration.tenants()


async def create_tenant(desk: ShellDesk, name: str) -> bool:
    """Whether it is new. Raises InvalidInput."""
    return await desk.administration.create_tenant(name)


async def erase_tenant(desk: ShellDesk, name: str) -> TenantErased:
    """Raises NotFound."""
    return await desk.administration.erase_tenant(name)


async def tokens(desk: ShellDesk, tenant: str | None) -> list[Token]:
    """All of a tenant, or of all."""
    return await desk.administration.tokens(tenant)


async def create_token(
    desk: ShellDesk, tenant: str, scopes: Sequence[str], agent: str | None, days: float
) -> Issued:
    """Raises InvalidInput, NotFound."""
    return await desk.administration.create_token(tenant, scopes, agent, days)


async def revoke_token(desk: ShellDesk, name: str) -> Token:
    """Raises NotFound."""
    return await desk.administration.revoke_token(name)


async def audit(desk: ShellDesk, tenant: str, after: int) -> list[AuditEntry]:
    """What was done in a tenant, beyond an entry's number, oldest first."""
    return await desk.administration.audit(tenant, after)


_ALL = (
    *(remember, recall, forget, restore, select, get, history, page, entities, merge),
    *(pads, pad, boards, board, board_write, status, index, reindex),
    *(reflect, undo, cycles),
    *(tenants, create_tenant, erase_tenant, tokens, create_token, revoke_token, audit),
)

VERBS: Mapping[str, Callable[..., Awaitable[Any]]] = {verb.__name__: verb for verb in _ALL}
"""By their names."""
