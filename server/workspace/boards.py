"""What one actor can do with its tenant's boards."""

import hashlib
import json
from functools import partial
from typing import NamedTuple

import anyio
from anyio import to_thread

from ..errors import LociError, NotFound
from ..ledger import Address, Before, Found, NewCell, Receipt, WriteDone
from ..model import PRIVATE, Actor, Board, BoardPage, BoardQuery, Cell, CellWrite, Written
from ..model.render import compact
from ..tasks import uninterrupted
from .blackboard import Blackboard
from .board_check import address_of, check_query, check_value, check_write
from .board_fit import fit
from .board_ops import decide

__all__ = ["Boards", "Versions"]

_LISTED = 200
_COMPLETED = 101
_LONG = 20_000
"""Characters from which tokens are counted in a thread."""


class Versions(NamedTuple):
    """A cell with its history."""

    id: int
    """Of the board, in the ledger."""
    address: Address
    cells: tuple[Cell, ...]
    """Newest first: the current one, and at least that."""


class Boards:
    """Reads and writes boards as one actor. Made by `Memories.boards`.

    Whoever belongs to the tenant reads its public boards; a private one only its agent sees. Every
    method raises InvalidInput for arguments that cannot be used, StoreError when the directory fails.
    """

    __slots__ = ("_actor", "_blackboard")

    def __init__(self, blackboard: Blackboard, actor: Actor) -> None:
        self._blackboard = blackboard
        self._actor = actor

    async def write(self, board: str, write: CellWrite, *, private: bool = False) -> Written:
        """Change a cell. It is durable, and whoever waits for it is told, when this returns.

        Raises:
            Stale: the cell is not at `if_version`; the error has the current cell.
            NotAllowed: the board may not be written by this actor.
            NotFound: what is to be deleted is not there.
            LimitExceeded: the tenant has as many cells as it may.
        """
        address = address_of(board, private, self._actor)
        write, masked = self._guarded(address, write)
        done = await uninterrupted(self._write(address, write))
        if isinstance(done.outcome, LociError):
            raise done.outcome
        return Written(
            board=address.name,
            private=bool(address.agent),
            cell=done.outcome,
            repeated=done.repeated,
            masked=masked,
        )

    async def read(self, board: str, query: BoardQuery, *, private: bool = False) -> BoardPage:
        """Cells of a board. One that was never written to is empty, at version 0."""
        address = address_of(board, private, self._actor)
        check_query(query, self._blackboard.limits)
        await self._blackboard.counter.load()
        page = await (self._versions if query.history else self._awaited)(address, query)
        fitting = partial(
            fit,
            page,
            query.limit,
            query.max_tokens,
            self._blackboard.counter.count,
            ordered=not query.history,
        )
        if sum(len(compact(cell.value)) for cell in page.cells) < _LONG:
            return fitting()
        return await to_thread.run_sync(fitting)

    async def all(self) -> list[Board]:
        """The public boards and the actor's own, most recently changed first; at most 200."""
        return await self._blackboard.ledger.boards(self._actor.agent or "", _LISTED)

    async def complete(self, prefix: str) -> list[str]:
        """Names of boards that begin so, as they stand alone: a private one with its tilde."""
        if not prefix.isprintable():
            return []
        plain, agent = prefix.removeprefix(PRIVATE), self._actor.agent or ""
        found = await self._blackboard.ledger.names(agent, plain, _COMPLETED)
        names = [f"{PRIVATE}{one.name}" if one.agent else one.name for one in found]
        return [name for name in names if name.startswith(prefix) or plain == prefix]

    async def complete_key(self, board: str, prefix: str) -> list[str]:
        """Keys of a board's cells that begin so."""
        if not prefix.isprintable():
            return []
        address = address_of(board, False, self._actor)
        return await self._blackboard.ledger.keys(address, prefix, _COMPLETED)

    async def versions(self, board: str, key: str, *, private: bool = False) -> Versions:
        """What is known of a cell.

        Raises:
            NotFound: the cell is not there.
        """
        address = address_of(board, private, self._actor)
        check_query(BoardQuery(key=key), self._blackboard.limits)
        found = await self._history(address, key, self._blackboard.limits.history)
        if found is None or not found.cells or found.cells[0].gone:
            raise NotFound(f"There is no cell {key[:40]!r} on {address.name}.")
        return Versions(found.id, address, found.cells)

    def _guarded(self, address: Address, write: CellWrite) -> tuple[CellWrite, tuple[str, ...]]:
        """A write as it may be made. What is masked is masked before the receipt is made of it, so that
        no hash of a credential is kept; a repeat is masked alike."""
        limits = self._blackboard.limits
        check_write(write, address, limits)
        write, masked = self._blackboard.guard(write)
        if masked:
            check_value(write.value, limits)
        return write, masked

    async def _write(self, address: Address, write: CellWrite) -> WriteDone:
        blackboard, actor = self._blackboard, self._actor
        now = blackboard.clock()

        def change(before: Before) -> NewCell:
            return decide(
                before, write, actor=actor, address=address, now=now, limits=blackboard.limits
            )

        done = await blackboard.ledger.write(
            address,
            write.key,
            now,
            change,
            keep=blackboard.limits.history,
            receipt=_receipt(write, actor),
            most=blackboard.limits.cells,
        )
        if done.due_at is not None:
            blackboard.due(blackboard, done.due_at)
        if done.changed:
            await blackboard.changed(address, done.changed)
        return done

    async def _awaited(self, address: Address, query: BoardQuery) -> BoardPage:
        """What changed, as soon as something did, or when the time to wait is over."""
        waiting = self._blackboard.waiting
        with anyio.move_on_after(query.wait):
            while query.wait and not waiting.closed:
                with waiting.next(address) as event:
                    page = await self._page(address, query)
                    if page.cells or page.anew:
                        return page
                    await event.wait()
        return await self._page(address, query)

    async def _page(self, address: Address, query: BoardQuery) -> BoardPage:
        since = query.since_version or 0
        found = await self._look(address, query, since)
        if found is None:
            return _page_of(address, None, (), anew=since > 0)
        anew = since > found.version or 0 < since < found.floor
        if anew:
            found = await self._look(address, query, 0) or found
        return _page_of(address, found, found.cells, anew=anew)

    async def _look(self, address: Address, query: BoardQuery, since: int) -> Found | None:
        ledger = self._blackboard.ledger
        cells = (address, query.key, since, query.limit + 1)
        found = await ledger.changes(*cells)
        if found is not None and await self._ended(found):
            found = await ledger.changes(*cells)
        return found

    async def _versions(self, address: Address, query: BoardQuery) -> BoardPage:
        found = await self._history(address, query.key or "", query.limit + 1)
        return _page_of(address, found, () if found is None else found.cells)

    async def _history(self, address: Address, key: str, limit: int) -> Found | None:
        ledger = self._blackboard.ledger
        found = await ledger.history(address, key, limit)
        if found is not None and await self._ended(found):
            found = await ledger.history(address, key, limit)
        return found

    async def _ended(self, found: Found) -> bool:
        """Whether cells had to be ended, since their time is up."""
        if found.due_at is None or found.due_at > self._blackboard.clock():
            return False
        await uninterrupted(self._blackboard.expire())
        return True


def _page_of(
    address: Address, found: Found | None, cells: tuple[Cell, ...], *, anew: bool = False
) -> BoardPage:
    return BoardPage(
        board=address.name,
        private=bool(address.agent),
        version=0 if found is None else found.version,
        cells=cells,
        anew=anew,
    )


def _receipt(write: CellWrite, actor: Actor) -> Receipt | None:
    if write.request is None:
        return None
    asked = [write.key, write.value, write.op.value, write.if_version, write.ttl]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
    return Receipt(write.request, actor.agent or "", digest)
