"""Marks that the daemon puts between messages, for the shim alone: how far all is answered.

A mark is a line that begins with a zero byte, which no JSON text can hold:

    NUL, how many bytes of the client's lines are dealt with, and how many of its first bytes a new
    daemon must be told again to go on from there; -1 if it cannot.

Where the shim has sent just as much, nothing is under way: if the daemon dies then, nothing is lost.
"""

__all__ = ["Marks", "mark"]

_LONGEST = 64


def mark(dealt_with: int, opening: int) -> bytes:
    """A mark as the daemon writes it."""
    return b"\0%d %d\n" % (dealt_with, opening)


class Marks:
    """Takes the marks out of what the daemon sends, and remembers the last."""

    __slots__ = ("_part", "dealt_with", "opening")

    def __init__(self) -> None:
        self.dealt_with = 0
        self.opening = 0
        self._part = b""

    def restart(self, dealt_with: int) -> None:
        """Another daemon goes on from there. A mark that the last one did not end is none."""
        self.dealt_with = dealt_with
        self._part = b""

    def strip(self, chunk: bytes) -> bytes:
        """What of a chunk is the client's. Raises ValueError: that is no mark."""
        if not self._part and b"\0" not in chunk:
            return chunk
        rest, kept = self._part + chunk, b""
        while (start := rest.find(b"\0")) >= 0:
            kept += rest[:start]
            end = rest.find(b"\n", start)
            if end < 0:
                self._part = rest[start:]
                if len(self._part) > _LONGEST:
                    raise ValueError("an endless mark")
                return kept
            dealt_with, opening = rest[start + 1 : end].split()
            self.dealt_with, self.opening = int(dealt_with), int(opening)
            rest = rest[end + 1 :]
        self._part = b""
        return kept + rest
