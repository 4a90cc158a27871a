"""What a caller may do, in the words of OAuth: each tool and each resource names the scope it needs."""

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["EVERYTHING", "Scope", "scopes_in"]


class Scope(StrEnum):
    """A right that a credential carries. None of them implies another."""

    MEMORY_READ = "memory:read"
    MEMORY_WRITE = "memory:write"
    MEMORY_ADMIN = "memory:admin"
    """To read the tenant's audit."""
    BOARD_READ = "board:read"
    BOARD_WRITE = "board:write"


EVERYTHING = frozenset(Scope)


def scopes_in(words: Iterable[str]) -> frozenset[Scope]:
    """Those of the words that are scopes of Loci. A credential may carry others' as well."""
    known = {scope.value for scope in Scope}
    return frozenset(Scope(word) for word in words if word in known)
