"""Credentials in what is to be remembered: found by the forms that their issuers publish.

A memory is read by every agent of its tenant, for years. What looks like a credential is replaced by
what it looks like, before anything is hashed, embedded or written.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from ..errors import InvalidInput
from ..model import Draft, NewNote, Revision

__all__ = ["Secrets", "guarded", "guarded_note", "guarded_revision", "masked"]

Secrets = Literal["mask", "refuse", "allow"]
"""What is done with them."""

_FORMS: tuple[tuple[str, str], ...] = (
    (
        "private key",
        (
            r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]{0,20000}-----END (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    ("Loci token", r"\bloci_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"),
    ("AWS key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,64}"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    ("Stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}"),
    ("API key", r"\bsk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,250}"),
    ("Google key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{50,500}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,60}\b"),
    ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("JWT", r"\beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}"),
    ("password in an address", r"(?<=://)[^\s:/@]{1,100}:[^\s/@]{1,200}(?=@)"),
    ("authorization", r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9+/_.~-]{20,4000}={0,2}"),
    (
        "password",
        (
            r"(?i:\b(?:password|passwd|passphrase|secret[_-]?key|api[_-]?key|access[_-]?key"
            r"|access[_-]?token|client[_-]?secret|auth[_-]?token)[\"']?[ \t]{0,3}[:=][ \t]{0,3})"
            r"[\"']?[^\s\"',;]{6,200}[\"']?"
        ),
    ),
)
_ANY = re.compile("|".join(f"({form})" for _, form in _FORMS))


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with what looks like a credential replaced by what it looks like; and which kinds."""
    kinds: dict[str, None] = {}

    def replaced(found: re.Match[str]) -> str:
        kind = _FORMS[(found.lastindex or 1) - 1][0]
        kinds[kind] = None
        return f"[masked: {kind}]"

    return _ANY.sub(replaced, text), tuple(kinds)


def guarded(draft: Draft, what: Secrets) -> tuple[Draft, tuple[str, ...]]:
    """A draft without credentials, and the kinds that were masked.

    Raises:
        InvalidInput: there are some, and they are to be refused.
    """
    if what == "allow":
        return draft, ()
    content, kinds = masked(draft.content)
    metadata, more = _in_metadata(draft.metadata)
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
    metadata, more = _in_metadata(revision.metadata or {})
    if not (kinds or more):
        return revision
    _refuse((*kinds, *more), what)
    return replace(revision, content=content, metadata=metadata if more else revision.metadata)


def guarded_note(note: NewNote, what: Secrets) -> NewNote:
    """The same for a note, which may be remembered."""
    content, kinds = (note.content, ()) if what == "allow" else masked(note.content)
    if not kinds:
        return note
    _refuse(kinds, what)
    return replace(note, content=content)


def _in_metadata(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    kinds: list[str] = []
    clean: dict[str, Any] = {}
    for name, value in metadata.items():
        clean[name], found = masked(value) if isinstance(value, str) else (value, ())
        kinds += found
    return clean, tuple(kinds)


def _refuse(kinds: tuple[str, ...], what: Secrets) -> None:
    if what == "refuse":
        raise InvalidInput(
            f"content: it holds what looks like a credential ({', '.join(dict.fromkeys(kinds))}). "
            "Leave that out: where it is kept is worth remembering, it itself is not."
        )
