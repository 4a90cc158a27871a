"""Credentials in what is to be kept: masked or refused.

Memories, notes and cells are read by every agent of their tenant, some for years. What looks like a
credential is replaced by what it looks like, before anything is hashed, embedded or written.
"""

from dataclasses import replace
from typing import Literal

from ..errors import InvalidInput
from ..model import CellWrite, Draft, NewNote, Op, Revision
from .credentials import masked, masked_value

__all__ = ["Secrets", "guarded", "guarded_note", "guarded_revision", "guarded_write"]

Secrets = Literal["mask", "refuse", "allow"]
"""What is done with them."""


def guarded(draft: Draft, what: Secrets) -> tuple[Draft, tuple[str, ...]]:
    """A draft without credentials, and the kinds that were masked.

    Raises:
        InvalidInput: there are some, and they are to be refused.
    """
    if what == "allow":
        return draft, ()
    content, kinds = masked(draft.content)
    metadata, more = masked_value(dict(draft.metadata))
    kinds = tuple(dict.fromkeys((*kinds, *more)))
    if not kinds:
        return draft, ()
    _refuse(kinds, what)
    return replace(draft, content=content, metadata=metadata), kinds


def guarded_revision(revision: Revision, what: Secrets) -> Revision:
    """The same for a correction."""
    if what == "allow":
        return revision
    content, kinds = (None, ()) if revision.content is None else masked(revision.content)
    metadata, more = masked_value(dict(revision.metadata or {}))
    if not (kinds or more):
        return revision
    _refuse((*kinds, *more), what)
    return replace(revision, content=content, metadata=metadata if more else revision.metadata)


def guarded_note(note: NewNote, what: Secrets) -> tuple[NewNote, tuple[str, ...]]:
    """The same for a note, which may be remembered."""
    content, kinds = (note.content, ()) if what == "allow" else masked(note.content)
    if not kinds:
        return note, ()
    _refuse(kinds, what)
    return replace(note, content=content), kinds


def guarded_write(write: CellWrite, what: Secrets) -> tuple[CellWrite, tuple[str, ...]]:
    """The same for a cell, whose value is JSON. A cell that is named by a credential is refused either
    way, for masked it would be another; it can be deleted."""
    if what == "allow" or write.op is Op.DELETE:
        return write, ()
    _refuse(masked(write.key)[1], "refuse", "key")
    value, kinds = masked_value(write.value, write.key)
    if not kinds:
        return write, ()
    _refuse(kinds, what, "value")
    return replace(write, value=value), kinds


def _refuse(kinds: tuple[str, ...], what: Secrets, where: str = "content") -> None:
    if kinds and what == "refuse":
        raise InvalidInput(
            f"{where}: it holds what looks like a credential ({', '.join(dict.fromkeys(kinds))}). "
            "Leave that out: where it is kept is worth remembering, it itself is not."
        )
