"""Who connects to the daemon's socket: the operating system's word for it, and the guest's own."""

import json
import os
import re
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...tools import Profile
from ..access import Caller
from ..model import utc_now
from ..shim.hello import PROTOCOL

__all__ = ["Guest", "Hello", "Refusal", "is_newer", "is_of_our_user", "read_hello"]

_LOCAL_PEERCRED = 1
"""macOS: <sys/un.h>; a struct xucred, whose second word is the user's id."""
_XUCRED = 76

_Text = Annotated[str, Field(max_length=10_000)]


class Hello(BaseModel):
    """The first line of a connection, as `shim.hello` writes it."""

    model_config = ConfigDict(frozen=True)

    version: _Text
    pid: int
    door: _Text
    """What is behind it: `mcp`, `verbs` or `status`."""
    resumed: int = 0
    flags: Mapping[_Text, _Text]
    """What the command line gave, by the setting's name."""
    environment: Mapping[_Text, _Text]
    """Its variables that begin with LOCI_."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guest:
    """Someone who is served."""

    hello: Hello
    caller: Caller
    tools: Profile
    notice: str = ""
    """For the user of that client."""
    since: datetime = field(default_factory=utc_now)


class Refusal(Exception):
    """This guest is not served; the text says what its user can do."""


def read_hello(line: bytes) -> Hello:
    """What the guest says of itself. Raises Refusal."""
    try:
        content = json.loads(line)
        spoken = content["loci"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal("this is the socket of the Loci daemon; connect with `loci stdio`") from error
    if spoken != PROTOCOL:
        raise Refusal(
            f"the daemon speaks version {PROTOCOL} of the shim's protocol and this client version "
            f"{spoken}. Run `loci daemon stop`, or update the older installation."
        )
    try:
        return Hello.model_validate(content)
    except ValidationError as error:
        raise Refusal("the hello is incomplete: update this installation of Loci") from error


def is_of_our_user(connection: socket.socket) -> bool:
    """Whether the process at the other end belongs to the user that we run as."""
    return _user_of(connection) == os.getuid()


def _user_of(connection: socket.socket) -> int:
    if sys.platform == "darwin":
        found = connection.getsockopt(0, _LOCAL_PEERCRED, _XUCRED)
        return struct.unpack_from("2I", found)[1]
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", found)[1]


def is_newer(version: str, than: str) -> bool:
    """Whether a version is above another: compared by their numbers."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
