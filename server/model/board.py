"""The blackboard: cells with versions, on boards that agents coordinate through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = [
    "PRIVATE",
    "RIGHTS",
    "Board",
    "BoardChange",
    "BoardPage",
    "BoardQuery",
    "Cell",
    "CellWrite",
    "Op",
    "Promoted",
    "Written",
]

PRIVATE = "~"
"""What the name of an agent's own board begins with, where it stands alone: `memory://boards/~plan`."""

RIGHTS = "@rights"
"""The cell that says who may write to its board: `{"agents": […], "scopes": […]}`."""


class Op(StrEnum):
    """What a write does to a cell."""

    SET = "set"
    APPEND = "append"
    """A value to a list, or text to text; a cell that is not there begins as an empty list."""
    MERGE = "merge"
    """A JSON Merge Patch (RFC 7396)."""
    DELETE = "delete"
    EXPIRE = "expire"
    """Its time was up. Not a caller's to write."""
    ERASE = "erase"
    """A memory that came from it was erased. Not a caller's to write."""

    @property
    def gone(self) -> bool:
        """Whether there is no cell after it."""
        return self in (Op.DELETE, Op.EXPIRE, Op.ERASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One version of a cell."""

    key: str
    value: Any
    """Any JSON value; None also where it is gone, or where `kept` says that it is not known."""
    version: int
    """Of its board, when this was written: each write to a board makes the next one."""
    op: Op
    by: str | None
    """The agent that wrote it."""
    at: datetime
    expires_at: datetime | None = None
    kept: bool = True
    """Whether the value of this version is still in the history."""

    @property
    def gone(self) -> bool:
        """Whether there is no such cell as of this version."""
        return self.op.gone


@dataclass(frozen=True, slots=True, kw_only=True)
class CellWrite:
    """A change to one cell, as asked for."""

    key: str
    value: Any = None
    op: Op = Op.SET
    if_version: int | None = None
    """The version that the cell must have; 0: it must not be there."""
    ttl: float | None = None
    """Seconds to live. Without it, `set` makes a cell for good, and the others leave it as it is."""
    request: str | None = None
    """The idempotency key: the same write under the same key changes nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardQuery:
    """What to read of a board."""

    key: str | None = None
    since_version: int | None = None
    """Only what changed after this version of the board, deletions too."""
    wait: float = 0
    """Seconds to wait for such a change if there is none yet."""
    history: bool = False
    """The versions of the one cell instead, newest first."""
    limit: int = 100
    max_tokens: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    """Cells of a board, least recently changed first."""

    board: str
    private: bool
    version: int
    """Up to which the answer is complete: what to give as `since_version` next."""
    cells: tuple[Cell, ...]
    hidden: Mapping[int, int] = field(default_factory=dict[int, int])
    """Tokens of values that alone are longer than the budget and so were left out, by version."""
    more: bool = False
    """Whether there is more than fitted."""
    anew: bool = False
    """Deletions since that version are not known any more, so these are all cells."""
    tokens: int = 0
    """What this answer costs as it is sent, exactly (o200k_base)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What is known of a board without its cells."""

    name: str
    private: bool
    version: int
    cells: int
    made_by: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The answer to a write, given after its commit."""

    board: str
    private: bool
    cell: Cell
    repeated: bool = False
    """An earlier write under the same idempotency key did this; nothing was changed now."""
    masked: tuple[str, ...] = ()
    """Kinds of credentials in what was to be written, replaced by what they looked like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of a cell that was promoted into memory."""

    board: str
    private: bool
    cell: Cell
    memory: str
    """The id of the memory that says it."""
    status: str
    """As `remember` answers."""
    masked: tuple[str, ...] = ()
    """Kinds of credentials in the statement, replaced by what they looked like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardChange:
    """Cells of one board that are not what they were."""

    board: str
    agent: str | None
    """Whose private board it is; None: everybody of the tenant may know."""
    keys: tuple[str, ...]
