"""Memories and notes in pages, each bounded by a number and by a length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..server.model import Memory, Note, Pad, Tier
from ..server.model.pad_shown import decision_dict, note_dict, pad_dict
from ..server.model.render import compact
from ..server.model.shown import memory_dict

if TYPE_CHECKING:
    from ..server.engine import Memories

__all__ = ["latest", "pad", "page"]

_LIMIT = 50
_LENGTH = 60_000
"""Characters of a page, unless one memory alone is longer."""


async def page(
    memories: Memories, tier: Tier, *, cursor: str | None = None, limit: int = _LIMIT
) -> str:
    """A tier's memories, newest first, and the cursor of the next page where there is one.

    Raises:
        InvalidInput: a wrong cursor or limit.
    """
    found = await memories.page(tier, cursor=cursor, limit=limit)
    fitting = _fitting(found.memories)
    if fitting < len(found.memories):
        found = await memories.page(tier, cursor=cursor, limit=fitting)
    shown: dict[str, object] = {"memories": [memory_dict(one) for one in found.memories]}
    if found.cursor is not None:
        shown["cursor"] = found.cursor
    return compact(shown)


def latest(versions: Sequence[Memory]) -> str:
    """Versions of a memory, oldest first. Where they are too long together, the oldest are only
    counted."""
    fitting = _fitting(versions[::-1])
    shown: dict[str, object] = {"versions": [memory_dict(one) for one in versions[-fitting:]]}
    if fitting < len(versions):
        shown["omitted"] = len(versions) - fitting
    return compact(shown)


def pad(found: Pad) -> str:
    """A session's notes, oldest first, with what was decided of each. Where they are too long
    together, the oldest are only counted."""
    shown = [_note(note) for note in found.notes]
    length, fitting = 0, 0
    for one in reversed(shown):
        length += len(compact(one))
        if length > _LENGTH and fitting:
            break
        fitting += 1
    omitted = len(shown) - fitting
    head = pad_dict(replace(found, notes=(), omitted=omitted))
    return compact(head | {"notes": shown[omitted:]})


def _note(note: Note) -> dict[str, object]:
    shown: dict[str, object] = {**note_dict(note)}
    if note.decision is not None:
        shown["promotion"] = decision_dict(note.decision, None)
    return shown


def _fitting(memories: Sequence[Memory]) -> int:
    """How many of the first fit, at least one."""
    length = 0
    for count, memory in enumerate(memories):
        length += len(compact(memory_dict(memory)))
        if length > _LENGTH:
            return max(count, 1)
    return len(memories)
