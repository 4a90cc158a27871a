"""What a write makes of a cell: rights, the expected version, the operation. Pure, so that it can be
decided again inside the transaction, over what is there by then."""

from datetime import datetime, timedelta
from typing import Any, cast

from ..errors import InvalidInput, NotAllowed, NotFound, Stale
from ..ledger import Address, Before, NewCell
from ..model import RIGHTS, Actor, Cell, CellWrite, Op
from ..model.board_shown import cell_dict
from ..model.render import compact
from .board_check import check_meaning, check_value
from .board_limits import BoardLimits

__all__ = ["decide", "merge_patch"]


def decide(
    before: Before,
    write: CellWrite,
    *,
    actor: Actor,
    address: Address,
    now: datetime,
    limits: BoardLimits,
) -> NewCell:
    """The version that a write makes.

    Raises:
        NotAllowed: this actor may not write there.
        Stale: the cell is not at `if_version`.
        NotFound: what is to be deleted is not there.
        InvalidInput: the operation does not fit what is there, or its result cannot be kept.
    """
    _check_rights(before, write, actor, address)
    cell = None if before.cell is None or before.cell.gone else before.cell
    _check_version(before.cell, cell, write)
    if write.op is Op.DELETE:
        if cell is None:
            raise NotFound(
                f"There is no cell {write.key!r} on {address.name}; nothing was deleted."
            )
        return NewCell(op=Op.DELETE, value=None, by=name_of(actor), expires_at=None)
    value = _applied(cell, write)
    expires_at = None if cell is None or write.op is Op.SET else cell.expires_at
    if write.ttl is not None:
        expires_at = now + timedelta(seconds=write.ttl)
    if write.op is not Op.SET:
        check_value(value, limits)
    check_meaning(write.key, value, expires_at is not None)
    return NewCell(op=write.op, value=value, by=name_of(actor), expires_at=expires_at)


def name_of(actor: Actor) -> str | None:
    """Who is said to have written."""
    return actor.agent or ("shell" if actor.operator else None)


def merge_patch(target: Any, patch: Any) -> Any:
    """A JSON value after a JSON Merge Patch (RFC 7396, section 2). Neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(cast("dict[str, Any]", target)) if isinstance(target, dict) else {}
    for name, value in cast("dict[str, Any]", patch).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _applied(cell: Cell | None, write: CellWrite) -> Any:
    old, new = None if cell is None else cell.value, write.value
    match write.op:
        case Op.APPEND if cell is None:
            return [new]
        case Op.APPEND if isinstance(old, list):
            return [*cast("list[Any]", old), new]
        case Op.APPEND if isinstance(old, str) and isinstance(new, str):
            return old + new
        case Op.APPEND:
            raise InvalidInput("append: the cell holds no list, or no text to which text is added.")
        case Op.MERGE:
            return merge_patch(old, new)
        case _:
            return new


def _check_version(last: Cell | None, cell: Cell | None, write: CellWrite) -> None:
    """A cell that is gone is at version 0, or at that of its end for who has read that."""
    expected = write.if_version
    if expected is None or (cell is None and expected == 0):
        return
    if last is not None and expected == last.version:
        return
    if cell is None:
        raise Stale(f"{write.key}: it is not there now. Give if_version 0 to make it.")
    shown = cell_dict(cell)
    raise Stale(
        f"{write.key}: it is at version {cell.version}, not {expected}; nothing was written. "
        f"Decide again from what it is now: {compact(shown)}",
        current=shown,
    )


def _check_rights(before: Before, write: CellWrite, actor: Actor, address: Address) -> None:
    if actor.operator or not before.made:
        return
    maker = before.made_by
    if actor.agent is not None and actor.agent == maker:
        return
    if before.rights is not None and not before.rights.gone:
        allowed = cast("dict[str, list[str]]", before.rights.value)
        named = actor.agent is not None and actor.agent in allowed.get("agents", [])
        if not named and not actor.scopes & set(allowed.get("scopes", [])):
            raise NotAllowed(f"{address.name}: you may read this board and not write to it.")
    if write.key == RIGHTS and maker is not None:
        raise NotAllowed(f"{RIGHTS}: only {maker}, who made the board, may say who writes to it.")
