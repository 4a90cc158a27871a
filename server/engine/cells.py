"""promote, of a cell of a blackboard: a statement is remembered that says who made it what it is."""

from collections.abc import Sequence
from dataclasses import replace

from ..errors import InvalidInput
from ..model import Cell, Draft, Promoted, Remembered, iso
from ..model.render import compact
from ..tasks import uninterrupted
from ..workspace import Boards
from .remember import remember
from .room import Room

__all__ = ["promote_cell"]

_HISTORY = 2000
"""Characters of the history that is kept with the memory; the newest versions go first."""


async def promote_cell(
    room: Room, boards: Boards, board: str, key: str, *, private: bool, draft: Draft | None
) -> Promoted:
    """Remember what a cell says. Doing so again changes nothing more.

    Raises:
        NotFound: there is no such cell.
        InvalidInput: it holds no text and none was given, or it cannot be remembered.
    """
    found = await boards.versions(board, key, private=private)
    cell = found.cells[0]
    about = {
        "board": found.address.name,
        "cell": key,
        "cell_version": cell.version,
        "cell_history": _history(found.cells),
    }
    draft = draft or Draft(content="")
    draft = replace(
        draft,
        content=draft.content or _statement(key, cell),
        metadata={**draft.metadata, **about},
    )
    remembered = await uninterrupted(_remember(room, draft, found.id, cell))
    return Promoted(
        board=found.address.name,
        private=bool(found.address.agent),
        cell=cell,
        memory=remembered.id,
        status=remembered.status,
        masked=remembered.masked,
    )


async def _remember(room: Room, draft: Draft, board: int, cell: Cell) -> Remembered:
    (one,) = await remember(room, [draft])
    # A crash before this leaves a memory that the next try finds to be the same, and links.
    await room.ledger.boards.promoted(board, cell.key, cell.version, one.id)
    return one


def _statement(key: str, cell: Cell) -> str:
    if isinstance(cell.value, str) and cell.value.strip():
        return cell.value
    shown = compact(cell.value)[:60]
    raise InvalidInput(
        f"value: {key} holds no text ({shown}); give the statement that is worth remembering."
    )


def _history(versions: Sequence[Cell]) -> str:
    """Who wrote which version when, newest first."""
    lines: list[str] = []
    length = 0
    for cell in versions:
        line = f"{cell.version} {cell.op.value} by {cell.by or 'unknown'} at {iso(cell.at)}"
        length += len(line) + 2
        if length > _HISTORY:
            lines.append(f"{len(versions) - len(lines)} earlier")
            break
        lines.append(line)
    return "; ".join(lines)
