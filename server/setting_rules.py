"""What single settings may be: the fields of `settings.Settings` are made of these."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from .model.promotion import SIGNALS
from .tiers import eviction_of, retention_of

__all__ = [
    "SENTENCE_TRANSFORMERS",
    "about",
    "algorithms",
    "embedder_name",
    "eviction_policy",
    "folder",
    "host_names",
    "index_place",
    "keys_place",
    "number",
    "origin",
    "origins",
    "printable",
    "retention_rules",
    "signal_weights",
    "weights_of",
    "words",
]

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Those that a public key verifies: a shared secret would let whoever verifies sign as well."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

SENTENCE_TRANSFORMERS = "sentence-transformers:"
"""What the name of an embedder of that extra begins with."""


def folder(path: Path) -> Path:
    """An absolute one."""
    return path.expanduser().absolute()


def embedder_name(name: str) -> str:
    """The name of an embedding model. Raises ValueError."""
    kind, colon, model = name.partition(":")
    if name in ("minilm", "hash"):
        return name
    if kind + colon == SENTENCE_TRANSFORMERS and model.strip() and not model.startswith("."):
        return kind + colon + str(Path(model).expanduser() if model.startswith("~") else model)
    path = Path(name).expanduser()
    if not path.is_absolute() or not name.isprintable():
        # Clients start servers in folders of their own choice: a relative path means nothing.
        raise ValueError(name)
    return str(path)


def index_place(name: str) -> str:
    """Where the vector index is kept. Raises ValueError."""
    address = urlsplit(name)
    if name in ("chroma", "none") or (
        address.scheme in ("http", "https") and address.hostname and not address.path.strip("/")
    ):
        return name
    raise ValueError(name)


def eviction_policy(text: str) -> str:
    """A policy of eviction, or a chain of them. Raises ValueError."""
    return eviction_of(text).label


def retention_rules(text: str) -> str:
    """Rules of retention. Raises ValueError."""
    return "; ".join(rule.text for rule in retention_of(text).rules)


def words(text: str) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def host_names(text: str) -> str:
    """Names of hosts, with or without a port. Raises ValueError."""
    for word in words(text):
        if not word.isprintable() or "/" in word or "*" in word.removesuffix(":*"):
            raise ValueError(word)
    return text


def origin(text: str) -> str:
    """The address of a web server, without a path. Raises ValueError."""
    address = urlsplit(text)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise ValueError(text)
    if address.path.strip("/") or address.query or address.fragment or not text.isprintable():
        raise ValueError(text)
    return text.rstrip("/")


def origins(text: str) -> str:
    """Several of them. Raises ValueError."""
    return ",".join(origin(word) for word in words(text))


def keys_place(text: str) -> str:
    """Where keys are: a file, or an address that nobody on the way can change. Raises ValueError."""
    address = urlsplit(text)
    if address.scheme == "https" and address.hostname:
        return text
    if address.scheme == "http" and address.hostname in _LOOPBACK:
        return text
    path = Path(text).expanduser()
    if "://" in text or not path.is_absolute():
        raise ValueError(text)
    return str(path)


def algorithms(text: str) -> str:
    """How tokens may be signed. Raises ValueError."""
    if not words(text) or not set(words(text)) <= set(_ALGORITHMS):
        raise ValueError(text)
    return text


def printable(text: str) -> str:
    """A name. Raises ValueError."""
    if not text.isprintable() or text.startswith("~"):
        raise ValueError(text)
    return text


def weights_of(text: str) -> dict[str, float]:
    """Weights by name. Raises ValueError for what is not one number from 0 to 1 for each signal."""
    pairs = [part.partition("=") for part in text.replace(",", " ").split()]
    weights = {name: float(value) for name, _, value in pairs}
    allowed = all(0 <= value <= 1 for value in weights.values()) and sum(weights.values()) > 0
    if not allowed or len(pairs) != len(SIGNALS) or set(weights) != set(SIGNALS):
        raise ValueError(text)
    return weights


def signal_weights(text: str) -> str:
    """The weights of promotion. Raises ValueError."""
    weights_of(text)
    return text


def about(description: str, allowed: str, default: Any = ..., **rules: Any) -> Any:
    """A field: what the setting does, and what may be given, in words."""
    extra: dict[str, Any] = {"allowed": allowed}
    return Field(default, description=description, json_schema_extra=extra, **rules)


def number(description: str, low: float, high: float, default: float | None) -> Any:
    """A field that holds a number."""
    kind = "number" if isinstance(default, float) else "whole number"
    return about(description, f"a {kind} from {low:,} to {high:,}", default, ge=low, le=high)
