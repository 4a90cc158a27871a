"""Names of memories, notes and entities: short, because a model reads and repeats them."""

import re
import secrets

__all__ = [
    "is_entity_id",
    "is_memory_id",
    "is_note_id",
    "new_entity_id",
    "new_memory_id",
    "new_note_id",
]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u, which people and models mistake."""
_LENGTH = 12
_SHAPE = re.compile(rf"[men][{_ALPHABET}]{{{_LENGTH}}}")


def new_memory_id() -> str:
    """A random id of 60 bits: a million memories collide with a chance of one in two million."""
    return _new("m")


def new_note_id() -> str:
    """The same for a note of a scratchpad."""
    return _new("n")


def new_entity_id() -> str:
    """The same for an entity."""
    return _new("e")


def is_memory_id(text: str) -> bool:
    """Whether a text has the shape of an id. It may still name nothing."""
    return text.startswith("m") and _SHAPE.fullmatch(text) is not None


def is_note_id(text: str) -> bool:
    """The same for a note of a scratchpad."""
    return text.startswith("n") and _SHAPE.fullmatch(text) is not None


def is_entity_id(text: str) -> bool:
    """The same for an entity's."""
    return text.startswith("e") and _SHAPE.fullmatch(text) is not None


def _new(kind: str) -> str:
    # One draw for all letters: each draw is a system call.
    number = secrets.randbits(5 * _LENGTH)
    return kind + "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LENGTH))
