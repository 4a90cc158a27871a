"""What a client's next daemon must be told again, should this one end: how the client had opened.

A client of 2026-07-28 says all that matters in each request. One of 2025-11-25 has shaken hands, and
does not do so twice: its shim repeats what it said then, and the answers to that are kept from it.
"""

from mcp.types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from ..shim.marks import mark

__all__ = ["Resuming"]

_HARMLESS = ("server/discover", "ping")
"""Answered alike at any time, so that they may come between and be repeated."""
_BINDING = ("subscriptions/listen", "resources/subscribe", "logging/setLevel")
"""From then on the connection has something that another would not have."""


class Resuming:
    """Of one connection. `resumed`: so many bytes of it were answered by an earlier daemon."""

    def __init__(self, resumed: int) -> None:
        self._resumed = resumed
        self._repeated: set[str] = set()
        self._opening = 0
        """How much of the beginning is to be repeated; -1: that is not enough, or too much."""
        self._shaking = False
        """Between the two halves of a handshake."""
        self._disturbed = False
        """Something came in between."""

    def heard(self, message: JSONRPCMessage, taken: int) -> None:
        """Note a message of the client's. `taken`: its bytes up to the end of this one."""
        if isinstance(message, JSONRPCRequest) and self.is_told_again(taken):
            self._repeated.add(str(message.id))
        if isinstance(message, JSONRPCRequest | JSONRPCNotification):
            self._heard(message.method, taken)

    def is_told_again(self, taken: int) -> bool:
        """Whether what ends there was answered by an earlier daemon."""
        return taken <= self._resumed

    def is_repeated(self, message: JSONRPCMessage) -> bool:
        """Whether this answer was given by an earlier daemon."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            name = str(message.id)
            if name in self._repeated:
                self._repeated.discard(name)
                return True
        return False

    def mark(self, taken: int) -> bytes:
        """What tells the shim that all is answered up to there."""
        return mark(taken, self._opening)

    def _heard(self, method: str, taken: int) -> None:
        if method in _BINDING:
            self._opening = -1
        elif method == "initialize" and self._opening == 0 and not self._disturbed:
            self._opening, self._shaking = taken, True
        elif method == "notifications/initialized" and self._shaking:
            self._shaking = False
            if self._opening > 0:
                self._opening = -1 if self._disturbed else taken
        elif method not in _HARMLESS:
            self._disturbed = True
