"""The first line each way: who connects and with what options, and what the daemon says to it."""

import _json  # the encoder of `json` alone: the package takes longer to import than all else here
import _socket
import os

__all__ = ["GONE", "OK", "PROTOCOL", "REFUSED", "Reply", "greet", "told"]

PROTOCOL = 1
"""Of the hello and of the marks between messages (`marks`). Another is refused."""

OK, REFUSED, GONE = b"ok", b"refused", b"gone"
"""A reply begins with one of these; what follows is for the user. `gone`: the daemon leaves, for one of
this client's version to take its place."""

_LONGEST = 64 * 1024


def told(environment: dict[str, str]) -> dict[str, str]:
    """What the daemon is told of a client's environment: its settings, but not where they are."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("LOCI_") and name != "LOCI_HOME"
    }


class Reply:
    """What the daemon says to a hello."""

    __slots__ = ("status", "text")

    def __init__(self, status: bytes, text: str) -> None:
        self.status = status
        self.text = text


def greet(
    connection: _socket.socket,
    *,
    version: str,
    door: str,
    flags: dict[str, str],
    environment: dict[str, str],
    resumed: int = 0,
) -> Reply:
    """Say hello and hear the reply. `resumed`: so many bytes that follow were answered before.

    Raises:
        OSError: the daemon ended meanwhile.
    """
    fields = (
        f'"loci":{PROTOCOL},"version":{_text(version)},"pid":{os.getpid()},"door":{_text(door)}',
        f'"resumed":{resumed},"flags":{_object(flags)},"environment":{_object(environment)}',
    )
    connection.sendall(("{" + ",".join(fields) + "}\n").encode())
    status, _, text = _line(connection).partition(b" ")
    return Reply(status, text.decode("utf-8", "replace"))


def _text(text: str) -> str:
    # Bytes that are no text in this locale came as lone surrogates.
    return _json.encode_basestring_ascii(text.encode("utf-8", "replace").decode())


def _object(fields: dict[str, str]) -> str:
    return "{" + ",".join(f"{_text(name)}:{_text(value)}" for name, value in fields.items()) + "}"


def _line(connection: _socket.socket) -> bytes:
    """Byte by byte: what follows is the protocol's."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST:
        byte = connection.recv(1)
        if not byte:
            raise ConnectionResetError
        line += byte
    return line[:-1]
