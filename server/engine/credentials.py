"""Credentials in texts and in JSON values: found by the forms that their issuers publish.

A text is looked through for the marks of all forms first, which is quick; only the forms whose marks it
has are searched for. So what has none, as nearly all has, costs a two hundredth of the search.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, cast

from ..model.render import compact

__all__ = ["masked", "masked_value"]

_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "secret_key",
    "api_key",
    "access_key",
    "access_token",
    "client_secret",
    "auth_token",
)
"""What passwords stand behind; with a hyphen or nothing instead of `_` as well."""
_NAMES = f"(?:{'|'.join(_WORDS)})".replace("_", "[_-]?")


class _Form(NamedTuple):
    """What a credential looks like."""

    kind: str
    marks: tuple[str, ...]
    """One of them is in each text that holds such a one, once its case is folded."""
    pattern: str


_FORMS = (
    _Form(
        "private key",
        ("private key",),
        r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]{0,20000}-----END (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _Form("Loci token", ("loci_",), r"\bloci_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"),
    _Form(
        "AWS key",
        ("akia", "asia", "abia", "acca"),
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    ),
    _Form(
        "GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    _Form(
        "GitLab token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"),
        r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,64}",
    ),
    _Form("Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    _Form("Stripe key", ("sk_", "rk_"), r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}"),
    _Form("API key", ("sk-",), r"\bsk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,250}"),
    _Form("Google key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    _Form("npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    _Form("PyPI token", ("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,500}"),
    _Form("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,60}\b"),
    _Form("SendGrid key", ("sg.",), r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _Form(
        "JWT",
        (".eyj",),
        r"\beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}",
    ),
    _Form("password in an address", ("://",), r"(?<=://)[^\s:/@]{1,100}:[^\s/@]{1,200}(?=@)"),
    _Form(
        "authorization",
        ("bearer ", "basic "),
        r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9+/_.~-]{20,4000}={0,2}",
    ),
    _Form(
        "password",
        tuple(word.replace("_", between) for word in _WORDS for between in ("_", "-", "")),
        rf"(?i:\b{_NAMES}[\"']?[ \t]{{0,3}}[:=][ \t]{{0,3}})[\"']?[^\s\"',;]{{6,200}}[\"']?",
    ),
)
_PASSWORD = "password"
_NAME = re.compile(_NAMES, re.IGNORECASE)
_WORD = re.compile(r"\S{6,200}")


class _Search(NamedTuple):
    """Some of the forms, as one pattern with a group for each."""

    kinds: tuple[str, ...]
    pattern: re.Pattern[str]


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with what looks like a credential replaced by what it looks like; and which kinds."""
    search = _search_for(text)
    if search is None:
        return text, ()
    kinds: dict[str, None] = {}
    return _replaced(text, search, kinds), tuple(kinds)


def masked_value(value: Any, name: str = "") -> tuple[Any, tuple[str, ...]]:
    """A JSON value with its texts masked, and the names in its objects; and which kinds.

    A word that stands under a name like `password` is one, as it is after `password:` in a text.
    `name`: under which the value itself stands. The value is not changed; it is at most some hundred
    levels deep.
    """
    search = _search_for(compact([name, value]))
    if search is None:
        return value, ()
    kinds: dict[str, None] = {}
    return _clean(value, name, search, kinds), tuple(kinds)


def _search_for(text: str) -> _Search | None:
    folded = text.casefold()
    chosen = [at for at, form in enumerate(_FORMS) if any(mark in folded for mark in form.marks)]
    return _search(tuple(chosen)) if chosen else None


@lru_cache(64)
def _search(chosen: tuple[int, ...]) -> _Search:
    forms = [_FORMS[at] for at in chosen]
    pattern = re.compile("|".join(f"({form.pattern})" for form in forms))
    return _Search(tuple(form.kind for form in forms), pattern)


def _replaced(text: str, search: _Search, kinds: dict[str, None]) -> str:
    def replacement(found: re.Match[str]) -> str:
        return _mask(search.kinds[(found.lastindex or 1) - 1], kinds)

    return search.pattern.sub(replacement, text)


def _clean(value: Any, name: str, search: _Search, kinds: dict[str, None]) -> Any:
    match value:
        case str():
            if _WORD.fullmatch(value) and _NAME.fullmatch(name):
                return _mask(_PASSWORD, kinds)
            return _replaced(value, search, kinds)
        case list():
            return [_clean(one, name, search, kinds) for one in cast("list[Any]", value)]
        case dict():
            found = cast("dict[str, Any]", value)
            names = _distinct(_replaced(one, search, kinds) for one in found)
            cleaned = (_clean(one, name, search, kinds) for name, one in found.items())
            return dict(zip(names, cleaned, strict=True))
        case _:
            return value


def _distinct(names: Iterable[str]) -> list[str]:
    """Two names that were masked alike stay two."""
    numbers: Counter[str] = Counter()
    seen: dict[str, None] = {}
    for name in names:
        given = name
        while given in seen:
            numbers[name] += 1
            given = f"{name} {numbers[name] + 1}"
        seen[given] = None
    return list(seen)


def _mask(kind: str, kinds: dict[str, None]) -> str:
    kinds[kind] = None
    return f"[masked: {kind}]"
