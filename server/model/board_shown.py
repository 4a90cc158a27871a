"""How boards are shown: to the model, in resources and at the shell. A page's budget counts just this."""

from collections.abc import Mapping
from typing import Any

from .board import PRIVATE, Board, BoardPage, Cell, Promoted, Written
from .times import iso

__all__ = ["board_dict", "cell_dict", "page_dict", "promoted_dict", "written_dict"]


def cell_dict(cell: Cell, *, hidden: int | None = None) -> dict[str, Any]:
    """A version of a cell. `hidden`: the tokens of a value that is too long to be shown."""
    shown: dict[str, Any] = {"key": cell.key}
    if cell.gone:
        shown["gone"] = cell.op.value
    elif hidden is not None:
        shown["value_tokens"] = hidden
    elif cell.kept:
        shown["value"] = cell.value
    shown |= {"version": cell.version, "by": cell.by, "at": iso(cell.at)}
    if cell.expires_at is not None:
        shown["expires_at"] = iso(cell.expires_at)
    return shown


def page_dict(page: BoardPage) -> dict[str, Any]:
    """Cells of a board. What does not hold is left out."""
    hidden: Mapping[int, int] = page.hidden
    cells = [cell_dict(cell, hidden=hidden.get(cell.version)) for cell in page.cells]
    flags = {"private": page.private, "more": page.more, "anew": page.anew}
    return {
        "board": page.board,
        "version": page.version,
        "cells": cells,
        **{name: True for name, holds in flags.items() if holds},
        "tokens": page.tokens,
    }


def written_dict(written: Written) -> dict[str, Any]:
    """The cell as the write left it."""
    return _done(written, repeated=written.repeated)


def promoted_dict(promoted: Promoted) -> dict[str, Any]:
    """The cell, and the memory that says it."""
    return _done(promoted) | {"memory": promoted.memory, "status": promoted.status}


def _done(deed: Written | Promoted, **flags: bool) -> dict[str, Any]:
    shown = {"board": deed.board, **cell_dict(deed.cell)}
    flags = {"private": deed.private, **flags}
    told = {"masked": list(deed.masked)} if deed.masked else {}
    return shown | {name: True for name, holds in flags.items() if holds} | told


def board_dict(board: Board) -> dict[str, Any]:
    """A board, without its cells. The name of a private one begins with a tilde."""
    return {
        "board": f"{PRIVATE}{board.name}" if board.private else board.name,
        "version": board.version,
        "cells": board.cells,
        "made_by": board.made_by,
        "changed_at": iso(board.changed_at),
    }
