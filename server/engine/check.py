"""Arguments, checked once, for every door. Each refusal says what to do instead."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..errors import InvalidInput, NotFound
from ..model import Draft, NewNote, Query, Revision, Selection, is_memory_id, is_note_id
from .limits import Limits

__all__ = [
    "check_draft",
    "check_drafts",
    "check_ids",
    "check_name",
    "check_namespace",
    "check_note",
    "check_notes",
    "check_prefix",
    "check_query",
    "check_revision",
    "check_selection",
    "check_session",
    "check_tokens",
    "valid_until",
]

_LABELS = 32
_NAME = 200
_METADATA = 4096
_IDS = 100_000
_LIMIT = 100
_TOKENS = range(100, 100_001)
_HALF = re.compile("[\ud800-\udfff]")
_NAMESPACE = re.compile(r"[\w.\-@ ]+(/[\w.\-@ ]+)*")


def check_drafts(drafts: Sequence[Draft], limits: Limits, now: datetime) -> None:
    """Raises InvalidInput for the first draft that cannot be stored; then none is."""
    if not 1 <= len(drafts) <= limits.max_batch:
        raise InvalidInput(
            f"content: {len(drafts)} memories in one call; send 1 to {limits.max_batch}."
        )
    for draft in drafts:
        check_draft(draft, limits, now)


def check_draft(draft: Draft, limits: Limits, now: datetime) -> None:
    """Raises InvalidInput where it cannot be stored as it is."""
    _check_content(draft.content, limits)
    _check_labels("tags", draft.tags)
    _check_labels("entities", draft.entities)
    check_namespace(draft.namespace)
    _check_importance(draft.importance)
    check_name("speaker", draft.speaker)
    check_name("agent", draft.agent)
    check_name("session", draft.session)
    _check_metadata(draft.metadata)
    if draft.supersedes:
        check_ids(draft.supersedes)
    if draft.valid_until is not None and draft.expires_in is not None:
        raise InvalidInput("Give valid_until or expires_in, not both.")
    until = valid_until(draft, now)
    if until is not None and until <= (draft.at or now):
        raise InvalidInput("valid_until: it lies before the memory begins to hold (`at`).")


def valid_until(draft: Draft, now: datetime) -> datetime | None:
    """When the memory ceases to hold. Raises InvalidInput beyond the year 9999."""
    if draft.expires_in is None:
        return draft.valid_until
    if not 0 < draft.expires_in < float("inf"):
        raise InvalidInput("expires_in: give seconds above 0.")
    try:
        return now + timedelta(seconds=draft.expires_in)
    except OverflowError:
        raise InvalidInput("expires_in: too far away; leave it out to keep for good.") from None


def check_query(query: Query) -> None:
    """Raises InvalidInput where it cannot be answered."""
    _check_text("query", query.text)
    if not 1 <= query.limit <= _LIMIT:
        raise InvalidInput(f"limit: give 1 to {_LIMIT}.")
    check_tokens(query.max_tokens)
    filters = query.filters
    _check_labels("tags", filters.tags)
    check_namespace(filters.namespace or "")
    check_name("entity", filters.entity)
    check_name("session", filters.session)
    if filters.since and filters.until and filters.since >= filters.until:
        raise InvalidInput("since: it is not before until; swap them.")


def check_tokens(budget: int) -> None:
    """Raises InvalidInput for a budget that nothing fits, or everything."""
    if budget not in _TOKENS:
        raise InvalidInput(f"max_tokens: give {_TOKENS.start} to {_TOKENS.stop - 1}.")


def check_note(new: NewNote, limits: Limits) -> None:
    """Raises InvalidInput where it cannot be written, or could not be remembered, as it is."""
    check_session(new.session)
    _check_content(new.content, limits)
    if len(new.content) > limits.pads.characters:
        raise InvalidInput(
            f"content: {len(new.content):,} characters; a scratchpad holds at most "
            f"{limits.pads.characters:,}. Write it in parts, or shorter."
        )
    check_namespace(new.namespace)
    check_name("agent", new.agent)
    _check_importance(new.importance)


def check_session(session: str) -> None:
    """Raises InvalidInput for what cannot be a session's name."""
    check_name("session", session)


def check_notes(ids: Sequence[str]) -> None:
    """Raises InvalidInput for too many notes, NotFound for what cannot be a note's id."""
    if len(ids) > _IDS:
        raise InvalidInput(f"ids: give at most {_IDS:,}.")
    for one in ids:
        if not is_note_id(one):
            raise NotFound(
                f"No note {one[:20]!r}. Ids come from scratchpad_write or scratchpad_read."
            )


def check_revision(revision: Revision, limits: Limits) -> None:
    """Raises InvalidInput where nothing would change or a value cannot be stored."""
    if revision == Revision():
        raise InvalidInput("Say what to change: content, kind, tags, importance, pinned, …")
    if revision.content is not None:
        _check_content(revision.content, limits)
    _check_labels("tags", revision.tags or ())
    _check_importance(revision.importance)
    _check_metadata(revision.metadata or {})


def check_selection(selection: Selection) -> None:
    """Raises InvalidInput for a selection that selects by nothing."""
    if selection == Selection():
        raise InvalidInput("Say what to forget: ids, tags, namespace, entity, session or before.")
    _check_labels("tags", selection.tags)
    check_namespace(selection.namespace or "")
    check_name("entity", selection.entity)
    check_name("session", selection.session)


def check_prefix(prefix: str) -> None:
    """Raises InvalidInput for what no value can begin with."""
    _check_text("prefix", prefix)


def check_ids(ids: Sequence[str]) -> None:
    """Raises InvalidInput for a list of no or too many, NotFound for what cannot be an id."""
    if not 1 <= len(ids) <= _IDS:
        raise InvalidInput(f"ids: give 1 to {_IDS:,}.")
    for one in ids:
        if not is_memory_id(one):
            raise NotFound(f"No memory {one[:20]!r}. Ids come from recall or remember.")


def _check_content(content: str, limits: Limits) -> None:
    _check_text("content", content)
    if not content.strip():
        raise InvalidInput("content: it is empty; say what to remember.")
    if len(content) > limits.max_content:
        raise InvalidInput(
            f"content: {len(content):,} characters; a memory has at most {limits.max_content:,}. "
            "Remember its statements one by one."
        )


def _check_text(name: str, text: str) -> None:
    if "\0" in text:
        raise InvalidInput(f"{name}: it contains a NUL character; remove it.")
    # A lone surrogate is no character and has no UTF-8.
    if _HALF.search(text):
        raise InvalidInput(f"{name}: it contains half a character (a lone surrogate); remove it.")


def check_name(name: str, text: str | None) -> None:
    """Raises InvalidInput for a text that can be no name. None passes."""
    if text is None:
        return
    _check_text(name, text)
    if not text.strip() or len(text) > _NAME:
        raise InvalidInput(f"{name}: give 1 to {_NAME} characters.")


def _check_labels(name: str, labels: Sequence[str]) -> None:
    if len(labels) > _LABELS:
        raise InvalidInput(f"{name}: at most {_LABELS}.")
    for label in labels:
        check_name(name, label)


def check_namespace(namespace: str) -> None:
    """Raises InvalidInput for what is no namespace."""
    _check_text("namespace", namespace)
    if namespace and (len(namespace) > _NAME or not _NAMESPACE.fullmatch(namespace)):
        raise InvalidInput("namespace: use a path such as work/loci, of letters, digits and .-_@")


def _check_importance(importance: float | None) -> None:
    if importance is not None and not 0 <= importance <= 1:
        raise InvalidInput("importance: give a number from 0 to 1.")


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    for key, value in metadata.items():
        check_name("metadata", key)
        if not isinstance(value, str | int | float | bool | None):
            raise InvalidInput(f"metadata: {key[:40]!r} is nested; use text, numbers and booleans.")
        _check_text("metadata", value if isinstance(value, str) else "")
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise InvalidInput(f"metadata: {key[:40]!r} is not a finite number.")
    size = len(json.dumps(dict(metadata), ensure_ascii=False).encode())
    if size > _METADATA:
        raise InvalidInput(f"metadata: {size:,} bytes; at most {_METADATA:,}.")
