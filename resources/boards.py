"""Blackboards as resources: the list of them, one of them, one of their cells with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.mcpserver import Context
from mcp.types import Annotations

from ..server.access import Desk, current_caller
from ..server.errors import NotFound
from ..server.model import BoardPage, BoardQuery
from ..server.model.board_shown import board_dict, page_dict
from ..server.model.render import compact
from .template import Template

if TYPE_CHECKING:
    from ..server.workspace import Boards

__all__ = ["board_template", "boards_page"]

_TOKENS = 15_000
_VERSIONS = 100


async def boards_page(desk: Desk) -> str:
    """The boards that the caller may read, most recently changed first."""
    boards = await (await _boards(desk)).all()
    return compact({"boards": [board_dict(board) for board in boards]})


def board_template() -> Template:
    """One board."""
    return Template(
        uri="memory://boards/{board}{?key}",
        name="board",
        title="A blackboard",
        description="Its cells; with a key that cell and its history. ~ before the name: your own.",
        annotations=Annotations(audience=["user", "assistant"], priority=0.6),
        fn=_board,
    )


async def _board(board: str, ctx: Context[Desk], key: str | None = None) -> str:
    boards = await _boards(ctx.request_context.lifespan_context)
    page = await boards.read(board, BoardQuery(key=key, limit=1000, max_tokens=_TOKENS))
    if page.version == 0:
        raise NotFound("There is no such board.")
    shown = page_dict(page)
    if key is not None:
        past = await boards.read(board, _history(key))
        if not past.cells:
            raise NotFound("There is no such cell on this board.")
        shown["history"] = _versions(past)
    return compact(shown)


def _history(key: str) -> BoardQuery:
    return BoardQuery(key=key, history=True, limit=_VERSIONS, max_tokens=_TOKENS)


def _versions(past: BoardPage) -> list[object]:
    return page_dict(past)["cells"]


async def _boards(desk: Desk) -> Boards:
    return (await desk.memories()).boards(current_caller().actor())
