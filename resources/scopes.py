"""Which scope an address needs: the one place where a resource says so."""

import re

from ..server.access import Scope

__all__ = ["scopes_of"]

_FREE = re.compile(r"skill://using-memory(/|$)")
_MEMORIES = re.compile(r"memory://(tiers|memories|entities|scratchpads|status)([/?]|$)")
_BOARDS = re.compile(r"memory://boards([/?]|$)")


def scopes_of(uri: str) -> frozenset[Scope]:
    """What a caller needs to read or watch an address. One that is none of ours needs all that any
    of ours does: it is not there, but nothing shall be learned from how that is said."""
    if _FREE.match(uri):
        return frozenset()
    if _MEMORIES.match(uri):
        return frozenset({Scope.MEMORY_READ})
    if _BOARDS.match(uri):
        return frozenset({Scope.BOARD_READ})
    return frozenset({Scope.MEMORY_READ, Scope.BOARD_READ})
