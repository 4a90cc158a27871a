"""forget: archive, delete or erase, with a receipt; and restore.

Ids are forgotten at once. A selection is confirmed first: by the user, where the client can ask,
else by the token that the first call returns and that stands for just these memories.
"""

import logging
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..server.access import Desk, Scope, current_caller
from ..server.errors import InvalidInput
from ..server.model import ForgetMode, Forgotten, Selection, from_time, is_note_id, iso
from .kit import answer, make_tool, memories_of

__all__ = ["TOOL", "forget"]

Mode = Literal["archive", "delete", "erase", "restore"]

_LISTED = 100
_PREVIEWED = 10
_REASON = 200

_log = logging.getLogger(__name__)


class _Residue(BaseModel):
    scanned: list[str]
    found: list[str]


class _Answer(BaseModel):
    status: Literal["done", "confirm", "declined"]
    mode: Mode
    count: int
    ids: list[str] | None = Field(None, description="Left out beyond 100")
    notes: int = Field(0, description="Erased from scratchpads")
    restorable_until: str | None = None
    residue: _Residue | None = Field(None, description="Proof of erase: nothing found")
    confirm: str | None = Field(None, description="Repeat the call with it to go on")


class _Sure(BaseModel):
    confirm: bool = Field(description="Yes, forget them")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a call means. `token` is None for ids, which need no confirmation."""

    ids: list[str]
    token: str | None = None


async def _choose(
    ctx: Context[Desk],
    ids: list[str] | None,
    tags: list[str] | None,
    namespace: str | None,
    entity: str | None,
    session: str | None,
    before: str | None,
    mode: Mode,
) -> _Chosen:
    """Raises InvalidInput for what is neither ids nor a selection, or both."""
    selection = Selection(
        tags=tuple(tags or ()),
        namespace=namespace or None,
        entity=entity,
        session=session,
        before=from_time("before", before),
    )
    if ids is not None:
        if selection != Selection():
            raise InvalidInput("Give ids or a selection, not both.")
        return _Chosen(ids)
    if mode == "restore":
        raise InvalidInput("mode: restore takes ids; those that the receipt of forget named.")
    return await _select(ctx, selection, ForgetMode(mode))


async def _select(ctx: Context[Desk], selection: Selection, mode: ForgetMode) -> _Chosen:
    if selection != Selection() and selection.namespace is None:
        # Only narrows what selects something already: alone, a default must not select all.
        home = current_caller().namespace or None
        selection = Selection(
            tags=selection.tags,
            namespace=home,
            entity=selection.entity,
            session=selection.session,
            before=selection.before,
        )
    memories = await memories_of(ctx)
    found, token = await memories.select(selection, mode)
    return _Chosen(found, token)


async def _ask(
    ctx: Context[Desk],
    chosen: Annotated[_Chosen, Resolve(_choose)],
    mode: Mode,
    confirm: str | None,
) -> _Sure | Elicit[_Sure]:
    """The user's word where the client can ask for it, else the token's."""
    if chosen.token is None or not chosen.ids:
        return _Sure(confirm=True)
    if not _can_ask(ctx):
        return _Sure(confirm=confirm == chosen.token)
    kept = [one for one in chosen.ids if not is_note_id(one)]
    notes = len(chosen.ids) - len(kept)
    beside = f" and {notes} notes of the session's scratchpad" if notes else ""
    if not kept:
        return Elicit(f"{mode} {notes} notes of the session's scratchpad?", _Sure)
    oldest = await _oldest(ctx, kept[0])
    return Elicit(f"{mode} {len(kept)} memories{beside}?{oldest}", _Sure)


async def _oldest(ctx: Context[Desk], name: str) -> str:
    if Scope.MEMORY_READ not in current_caller().scopes:
        return ""
    first = await (await memories_of(ctx)).get(name)
    return f" The oldest: “{' '.join(first.content.split())[:120]}”"


def _can_ask(ctx: Context[Desk]) -> bool:
    capabilities = ctx.client_capabilities
    asks = None if capabilities is None else capabilities.elicitation
    # Before modes existed, a bare capability meant forms.
    return asks is not None and (asks.form is not None or asks.url is None)


async def forget(
    ctx: Context[Desk],
    chosen: Annotated[_Chosen, Resolve(_choose)],
    sure: Annotated[ElicitationResult[_Sure], Resolve(_ask)],
    ids: list[str] | None = None,
    tags: list[str] | None = None,
    namespace: str | None = None,
    entity: str | None = None,
    session: str | None = None,
    before: Annotated[str | None, Field(description="ISO time it happened")] = None,
    mode: Annotated[Mode, Field(description="archive: to the cold tier; erase: for good")] = (
        "delete"
    ),
    reason: Annotated[str | None, Field(description="Why")] = None,
    confirm: Annotated[str | None, Field(description="Token of the first call")] = None,
) -> Annotated[CallToolResult, _Answer]:
    """Forget `ids`, or a selection by the other filters, which is first confirmed. Deleted memories
    can be restored for a while."""
    if len(reason or "") > _REASON:
        raise InvalidInput(f"reason: at most {_REASON} characters.")
    if not (isinstance(sure, AcceptedElicitation) and sure.data.confirm):
        return answer(_unconfirmed(chosen, mode, asked=_can_ask(ctx)))
    if chosen.token is not None and not chosen.ids:
        return answer({"status": "done", "mode": mode, "count": 0, "ids": []})
    memories = await memories_of(ctx)
    if mode == "restore":
        restored = await memories.restore(chosen.ids)
        return answer(_receipt(mode, restored))
    receipt = await memories.forget(chosen.ids, ForgetMode(mode))
    _log.info("forgot %d memories (%s): %r", len(receipt.ids), mode, reason)
    return answer(_receipt(mode, receipt.ids) | _proof(receipt))


def _unconfirmed(chosen: _Chosen, mode: Mode, *, asked: bool) -> dict[str, Any]:
    count = len(chosen.ids)
    if asked:
        return {"status": "declined", "mode": mode, "count": 0}
    first = chosen.ids[:_PREVIEWED]
    return {
        "status": "confirm",
        "mode": mode,
        "count": count,
        "ids": first,
        "confirm": chosen.token,
    }


def _receipt(mode: Mode, ids: tuple[str, ...]) -> dict[str, Any]:
    listed = {"ids": list(ids)} if len(ids) <= _LISTED else {}
    return {"status": "done", "mode": mode, "count": len(ids), **listed}


def _proof(receipt: Forgotten) -> dict[str, Any]:
    shown: dict[str, Any] = {"notes": len(receipt.notes)} if receipt.notes else {}
    if receipt.restorable_until is not None:
        shown["restorable_until"] = iso(receipt.restorable_until)
    if receipt.residue is not None:
        residue = receipt.residue
        shown["residue"] = {"scanned": list(residue.scanned), "found": list(residue.found)}
    return shown


TOOL = make_tool(forget, title="Forget", scopes={Scope.MEMORY_WRITE}, destroys=True, again=True)
