"""`loci board`: the boards, the cells of one, live on a terminal, and a way to write to one."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..access import Shell, verbs
from ..errors import InvalidInput, LociError
from ..model import Board, BoardPage, BoardQuery, Cell, CellWrite, Op, Written
from ..model.board_shown import board_dict, cell_dict, page_dict, written_dict
from ..model.render import compact
from .ask import Flags, ask
from .exits import Exit
from .output import people, print_json, table

__all__ = ["Asked", "board"]

_TOKENS = 100_000
_CELLS = 1000
_WAIT = 10
"""Seconds that one look at a board waits for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says."""

    name: str | None
    key: str | None
    once: bool
    value: str | None
    """To be set: JSON, or a text as it is."""
    delete: bool
    if_version: int | None


def board(flags: Flags, asked: Asked) -> Exit:
    """Show boards, or write to one. Raises LociError."""
    if asked.name is None:
        return _list(flags)
    if asked.value is not None or asked.delete:
        return _write(flags, asked.name, asked)
    if asked.once or flags.as_json or not sys.stdout.isatty() or sys.platform == "win32":
        return _show(flags, asked.name, asked.key)
    return _watch(flags, asked.name, asked.key)


def _list(flags: Flags) -> Exit:
    boards = ask(flags, flags.settings(), "board", lambda shell: shell(verbs.boards))
    if flags.as_json:
        print_json({"boards": [board_dict(one) for one in boards]})
    elif not boards:
        people().print("There are no boards yet.")
    else:
        _show_boards(boards)
    return Exit.OK if boards else Exit.NOTHING


def _show_boards(boards: Sequence[Board]) -> None:
    shown = table("board", "version", "cells", "made by", "changed")
    for one in map(board_dict, boards):
        made_by = one["made_by"] or ""
        shown.add_row(
            one["board"], str(one["version"]), str(one["cells"]), Text(made_by), one["changed_at"]
        )
    people().print(shown)


def _write(flags: Flags, name: str, asked: Asked) -> Exit:
    if asked.key is None:
        raise InvalidInput("Say which cell: loci board NAME KEY --set VALUE")
    if asked.delete:
        write = CellWrite(key=asked.key, op=Op.DELETE, if_version=asked.if_version)
    else:
        write = CellWrite(key=asked.key, value=_value(asked.value), if_version=asked.if_version)

    async def verb(shell: Shell) -> Written:
        return await shell(verbs.board_write, name, write)

    written = written_dict(ask(flags, flags.settings(), "board", verb))
    if flags.as_json:
        print_json(written)
        return Exit.OK
    people().print(Text(f"{asked.key} is at version {written['version']}."))
    if "masked" in written:
        people().print(Text(f"  masked: {', '.join(written['masked'])}"))
    return Exit.OK


def _value(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return text


def _show(flags: Flags, name: str, key: str | None) -> Exit:
    query = BoardQuery(key=key, limit=_CELLS, max_tokens=_TOKENS)

    async def verb(shell: Shell) -> BoardPage:
        return await shell(verbs.board, name, query)

    page = ask(flags, flags.settings(), "board", verb)
    if flags.as_json:
        print_json(page_dict(page))
    elif page.cells:
        people().print(_cells(page.cells, page.hidden))
        if page.more:
            people().print("There are more than fit here.")
    else:
        people().print("There is no such cell." if key else "Nothing is on this board.")
    return Exit.OK if page.cells else Exit.NOTHING


def _watch(flags: Flags, name: str, key: str | None) -> Exit:
    """Until the user has seen enough."""
    settings = flags.settings()
    _have_daemon(settings.home)

    async def verb(shell: Shell) -> None:
        watched = _Watched()
        wait = min(_WAIT, settings.board_wait)
        with Live(console=people(), auto_refresh=False) as live:
            while True:
                live.update(watched.shown(name), refresh=True)
                query = BoardQuery(
                    key=key,
                    since_version=watched.version,
                    wait=wait,
                    limit=_CELLS,
                    max_tokens=_TOKENS,
                )
                watched.take(await shell(verbs.board, name, query))

    ask(flags, settings, "board", verb)
    return Exit.OK


def _have_daemon(home: Path) -> None:
    """Start the daemon if there is none: held open here, nobody could write what is watched."""
    if sys.platform == "win32":
        return
    from ..shim.start import CannotStart, start

    try:
        connection = start(str(home), dict(os.environ))
    except CannotStart as error:
        raise LociError(f"The daemon cannot be started: {error}") from error
    connection.close()


class _Watched:
    """A board as far as it is known."""

    def __init__(self) -> None:
        self.version = 0
        self._cells: dict[str, Cell] = {}
        self._hidden: dict[int, int] = {}
        self._news: set[int] = set()

    def take(self, page: BoardPage) -> None:
        """What changed."""
        if page.anew:
            self._cells.clear()
        for cell in page.cells:
            self._cells.pop(cell.key, None)
            if not cell.gone:
                self._cells[cell.key] = cell
        self._hidden |= page.hidden
        self._news = {cell.version for cell in page.cells}
        self.version = page.version

    def shown(self, name: str) -> Table:
        """All cells, the newest at the end and what is new bold."""
        shown = _cells(self._cells.values(), self._hidden, self._news)
        shown.title = f"{name}, version {self.version} (Ctrl-C ends)"
        shown.title_justify = "left"
        return shown


def _cells(cells: Iterable[Cell], hidden: Mapping[int, int], news: Iterable[int] = ()) -> Table:
    shown = table("key", "version", "by", "at", "expires", "value")
    new = set(news)
    for cell in cells:
        one = cell_dict(cell, hidden=hidden.get(cell.version))
        value = compact(one["value"]) if "value" in one else f"({one['value_tokens']:,} tokens)"
        shown.add_row(
            Text(cell.key),
            str(cell.version),
            Text(cell.by or ""),
            one["at"],
            one.get("expires_at", ""),
            Text(value),
            style="bold" if cell.version in new else None,
        )
    return shown
