"""JSON-RPC messages as lines of UTF-8, and what is answered to a line that holds none."""

import json
import re
from typing import Any

from mcp.shared.message import SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

__all__ = ["MAX_LINE", "TooLong", "decode", "encode", "too_long"]

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one message."""

_ID = rb'"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15}|"[\w.-]{1,100}")\s*'
# Anchored to the ends of the line, where only the outermost object can have it.
_AT_START = re.compile(rb"\s*\{\s*" + _ID + rb",")
_AT_END = re.compile(_ID + rb"\}\s*\Z")


class TooLong:
    """What is left of a line that was longer than a message may be: both its ends."""

    __slots__ = ("head", "tail")

    def __init__(self, head: bytes, tail: bytes) -> None:
        self.head = head
        self.tail = tail


def decode(line: bytes) -> SessionMessage | JSONRPCError:
    """The message in a line, or what to answer."""
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        return _decode_leniently(line)
    if isinstance(message, JSONRPCNotification) and b'"id"' in line:
        return _decode_leniently(line)
    return SessionMessage(message)


def _decode_leniently(line: bytes) -> SessionMessage | JSONRPCError:
    """pydantic refuses a text with a lone surrogate, and with it the whole message, so that nobody
    could be answered. The standard library reads it, and the tool refuses the argument."""
    try:
        value: Any = json.loads(line.decode())
    except (ValueError, RecursionError):
        return _error(None, PARSE_ERROR, "Parse error: send one JSON object in UTF-8 on each line.")
    try:
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        return _error(None, INVALID_REQUEST, "Invalid request: this is no JSON-RPC 2.0 message.")
    if isinstance(message, JSONRPCNotification) and "id" in value:
        # The SDK takes a request whose id is none for a notification, and nobody is answered.
        return _error(None, INVALID_REQUEST, "Invalid request: the id is no text or whole number.")
    return SessionMessage(message)


def too_long(line: TooLong) -> JSONRPCError:
    """The answer to a line that is too long, to its request where one can be made out."""
    found = _AT_START.match(line.head) or _AT_END.search(line.tail)
    name = None if found is None else json.loads(found[1])
    limit = MAX_LINE // 1024 // 1024
    return _error(name, INVALID_REQUEST, f"The message is too long: at most {limit} MiB. Split it.")


def encode(message: JSONRPCMessage) -> bytes:
    """A message as a line."""
    try:
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        # An answer that repeats half a character (a method's or a resource's name): as an escape.
        text = json.dumps(message.model_dump(by_alias=True, exclude_unset=True))
    return text.encode() + b"\n"


def _error(name: RequestId | None, code: int, text: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=name, error=ErrorData(code=code, message=text))
