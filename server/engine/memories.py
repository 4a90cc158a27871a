"""A tenant's memory: the only object that has the verbs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ..entities import fold
from ..errors import InvalidInput, NotFound
from ..ledger import VersionRow
from ..model import (
    Actor,
    Card,
    Cards,
    Connections,
    Cycle,
    Draft,
    EntityType,
    Filters,
    ForgetMode,
    Forgotten,
    Memory,
    NewNote,
    Noted,
    Pad,
    Page,
    Promoted,
    Promotion,
    Query,
    Recall,
    Reflection,
    Remembered,
    Revision,
    Section,
    Selection,
    Tier,
    Undone,
)
from ..tasks import uninterrupted
from ..tiers import HotTier
from ..workspace import Boards
from .cells import promote_cell
from .check import check_ids, check_prefix, check_query, check_session, check_tokens
from .entities import connections, find, get_card, merge
from .forget import confirmation, forget, restore, select
from .promote import note, promote
from .reflect import cycles, reflect, undo
from .remember import remember
from .revise import revise
from .room import Room
from .summing import Progress, nobody
from .tending import tend

__all__ = ["Memories"]

_PAGE = 100


class Memories:
    """Remember, recall, forget, revise, note, promote. Made by `Engine.for_tenant`.

    Every method raises StoreError when the data directory fails, ModelError when the model does.
    """

    __slots__ = ("_room",)

    def __init__(self, room: Room) -> None:
        self._room = room

    async def remember(self, drafts: Sequence[Draft]) -> list[Remembered]:
        """Store the drafts, all or none. They are durable when this returns.

        Raises:
            InvalidInput: a draft cannot be stored as it is.
            NotFound: it supersedes what is not there.
        """
        return await remember(self._room, drafts)

    async def recall(self, query: Query) -> Recall:
        """What is known that answers the question, most relevant first.

        Raises:
            InvalidInput: it cannot be answered as it is.
        """
        room = self._room
        check_query(query)
        await room.counter.load()
        if query.filters.tier is Tier.HOT or query.filters.tier is Tier.WARM:
            await room.choose_hot()
        answer, seqs = await room.retriever().recall(query, room.sight(query.filters))
        room.rehearsed(list(seqs))
        return answer

    async def forget(self, ids: Sequence[str], mode: ForgetMode = ForgetMode.DELETE) -> Forgotten:
        """Forget memories, all or none, with a receipt.

        Raises:
            NotFound: an id names no memory; nothing was forgotten.
        """
        return await forget(self._room, ids, mode)

    async def restore(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Bring deleted or archived memories back, all or none.

        Raises:
            NotFound: an id is unknown, or was erased; nothing was restored.
        """
        return await restore(self._room, ids)

    async def select(self, selection: Selection, mode: ForgetMode) -> tuple[list[str], str]:
        """What a selection means, and the token that confirms just that.

        Raises:
            InvalidInput: it selects by nothing.
        """
        ids = await select(self._room, selection, mode)
        return ids, confirmation(ids, mode)

    async def revise(self, name: str, revision: Revision) -> Memory:
        """Change a memory; its earlier versions stay readable.

        Raises:
            InvalidInput: nothing would change, or a value cannot be stored.
            NotFound: no such memory.
        """
        row = await revise(self._room, name, revision)
        return _in_tier(row, (await self._room.choose_hot()).seqs)

    async def get(self, name: str) -> Memory:
        """One memory, as it is now. Raises NotFound."""
        check_ids([name])
        row = (await self._room.ledger.current([name])).get(name)
        if row is None:
            raise NotFound(f"No memory {name}. Ids come from recall or remember.")
        return _in_tier(row, (await self._room.choose_hot()).seqs)

    async def history(self, name: str) -> list[Memory]:
        """All versions of a memory, oldest first. Raises NotFound."""
        check_ids([name])
        rows = await self._room.ledger.history(name)
        if not rows:
            raise NotFound(f"No memory {name}. Ids come from recall or remember.")
        return [row.memory for row in rows]

    async def page(
        self, tier: Tier | None = None, *, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Memories of a tier, or of all, newest first. Raises InvalidInput."""
        if not 1 <= limit <= _PAGE:
            raise InvalidInput(f"limit: give 1 to {_PAGE}.")
        before = _before(cursor)
        await self._room.choose_hot()
        sight = self._room.sight(Filters(tier=tier))
        rows = await self._room.ledger.page(sight, before, limit + 1)
        more = str(rows[limit - 1].seq) if len(rows) > limit else None
        shown = tuple(_in_tier(row, sight.hot) for row in rows[:limit])
        return Page(memories=shown, cursor=more)

    async def hot(self) -> HotTier:
        """What belongs in the context now."""
        return await self._room.choose_hot()

    def boards(self, actor: Actor) -> Boards:
        """The boards of the tenant, as one actor reads and writes them."""
        return Boards(self._room.blackboard, actor)

    async def promote_cell(
        self,
        actor: Actor,
        board: str,
        key: str,
        *,
        private: bool = False,
        draft: Draft | None = None,
    ) -> Promoted:
        """Remember what a cell says, with its history as provenance. The cell stays.

        `draft`: how it is remembered. Without a content it says the text that the cell holds.

        Raises:
            NotFound: there is no such cell.
            InvalidInput: it holds no text and none was given, or it cannot be remembered.
        """
        boards = self.boards(actor)
        return await promote_cell(self._room, boards, board, key, private=private, draft=draft)

    async def reflect(
        self,
        namespace: str | None = None,
        *,
        dry_run: bool = False,
        progress: Progress = nobody,
    ) -> Reflection:
        """Consolidate a namespace, or all: one cycle, in one transaction. With `dry_run`, nothing is
        changed.

        Raises:
            InvalidInput: the namespace cannot be one.
        """
        return await reflect(self._room, namespace, dry_run=dry_run, progress=progress)

    async def undo(self) -> Undone:
        """Take back the last cycle of consolidation that was not taken back yet."""
        return await undo(self._room)

    async def cycles(self) -> list[Cycle]:
        """What the last cycles of consolidation did, newest first."""
        return await cycles(self._room)

    async def sources(self, name: str) -> list[str]:
        """What a memory is derived from; nothing for most. Raises NotFound."""
        await self.get(name)
        return await self._room.ledger.cycles.sources(name)

    async def tidy(self) -> None:
        """Do now what is done behind the answers else: count uses, move what the rules say."""
        await tend(self._room)

    async def entities(
        self,
        query: str = "",
        kind: EntityType | None = None,
        *,
        limit: int = 5,
        max_tokens: int = 1000,
    ) -> Cards:
        """The entities that a name, an alias or a description means; with none, the most named.

        Raises:
            InvalidInput: it cannot be asked so.
        """
        return await find(self._room, query, kind, limit, max_tokens)

    async def entity(self, name: str) -> Card:
        """One entity, by id. Raises NotFound."""
        return await get_card(self._room, name)

    async def merge(
        self, into: str, others: Sequence[str], by: str = "the user", *, undo: bool = False
    ) -> Card:
        """Let entities be the same as another; or take them apart again, or split a name off.

        Raises:
            NotFound: an id names no entity, or it was not merged; nothing was changed.
            InvalidInput: what is named cannot be merged or split.
        """
        return await merge(self._room, into, others, by, undo=undo)

    async def connections(self, name: str) -> Connections:
        """What a memory names, and how it stands to others; nothing of one that is not there."""
        return await connections(self._room, name)

    async def complete(
        self, facet: Literal["tag", "entity", "namespace", "session"], prefix: str
    ) -> list[str]:
        """Values in use that start so, most used first; sessions with a scratchpad before others."""
        check_prefix(prefix)
        found = await self._room.ledger.complete(facet, prefix, self._room.sight(), _PAGE)
        match facet:
            case "session":
                return list(dict.fromkeys([*await self.pads(prefix), *found]))
            case "entity":
                names = await self._room.ledger.about.complete(prefix, _PAGE)
                known = {fold(name) for name in names}
                return [*names, *(name for name in found if fold(name) not in known)][:_PAGE]
            case _:
                return found

    async def note(self, new: NewNote) -> Noted:
        """Write a note into a session's scratchpad. It is durable when this returns.

        Raises:
            InvalidInput: it cannot be written as it is.
        """
        return await note(self._room, new)

    async def pad(
        self, session: str, section: Section | None = None, *, max_tokens: int | None = None
    ) -> Pad:
        """A session's notes; within a budget the newest that fit, which count as used.

        Raises:
            InvalidInput: the session's name or the budget cannot be one.
        """
        check_session(session)
        if max_tokens is None:
            kept = await self._room.pads.all_of(session)
            notes = tuple(one for one in kept.notes if section in (None, one.section))
            return Pad(session=session, notes=notes, omitted=0, dropped=kept.dropped, tokens=0)
        check_tokens(max_tokens)
        await self._room.counter.load()
        count = self._room.counter.count
        pad = await self._room.pads.read(session, section, max_tokens, count)
        self._room.soiled(self._room)
        return pad

    async def pads(self, prefix: str = "") -> list[str]:
        """Sessions that have a scratchpad and start so, last written first, at most 100."""
        check_prefix(prefix)
        return await self._room.pads.sessions(prefix, _PAGE)

    async def promote(
        self, session: str, ids: Sequence[str] = (), *, dry_run: bool = False
    ) -> Promotion:
        """Move the notes that are worth it into memory, or those of the ids.

        Raises:
            InvalidInput: the session's name cannot be one.
            NotFound: the session has no notes, or not these; nothing was promoted.
        """
        return await promote(self._room, session, ids, dry_run=dry_run)

    async def end(self, sessions: Sequence[str]) -> None:
        """These sessions are over, until they are written again: they are promoted from soon."""
        for session in sessions:
            check_session(session)
        await uninterrupted(self._room.pads.end(sessions))
        self._room.soiled(self._room)


def _in_tier(row: VersionRow, hot: frozenset[int]) -> Memory:
    """The hot tier is computed; the ledger knows those memories as warm."""
    return replace(row.memory, tier=Tier.HOT) if row.seq in hot else row.memory


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        raise InvalidInput("cursor: use the one that the page before gave.")
    return int(cursor)
