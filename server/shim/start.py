"""Starting the daemon: one at a time, in a session of its own, that outlives whoever started it."""

import _socket
import fcntl
import os
import sys
import time

from .where import LOG, STARTING, connect

__all__ = ["BUSY", "READY", "CannotStart", "start"]

_PATIENCE = 60.0
"""Seconds for a daemon to start; the disk may be slow and the bytecode not written yet."""
_LOOK = 0.02
_TOLD = 3
"""The one descriptor that a daemon gets beyond the standard ones."""
READY, BUSY = "ready", "busy"
"""What a daemon says of itself when it serves, and when another one does; anything else is a refusal."""


class CannotStart(Exception):
    """There is no daemon, and none can be started; the text says why."""


def start(home: str, environment: dict[str, str]) -> _socket.socket:
    """A connection to the daemon, which is started if there is none.

    However many do this at once, one starts it; the others wait for that.

    Raises:
        CannotStart: the directory or the daemon refuses.
    """
    lock = _locked(home)
    try:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            connection = connect(home)
            if connection is not None:
                return connection
            said = _spawn(home, environment)
            if said == BUSY:
                # One that is being started by somebody who was killed, or one that is leaving.
                time.sleep(_LOOK)
            elif said != READY:
                raise CannotStart(said or f"the daemon ended before it was ready; see {home}/{LOG}")
        raise CannotStart(f"the daemon is not ready after {_PATIENCE:g} s; see {home}/{LOG}")
    finally:
        os.close(lock)


def _locked(home: str) -> int:
    try:
        os.makedirs(home, 0o700, exist_ok=True)  # noqa: PTH103 - no pathlib here
        lock = os.open(f"{home}/{STARTING}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise CannotStart(
            f"the data directory cannot be used ({error.strerror}): {home}. "
            "Allow writing, or choose another --home."
        ) from error
    return lock


def _spawn(home: str, environment: dict[str, str]) -> str:
    """Start a daemon. What it says when it is ready, or why it is not; empty if it just ended."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = os.fork()
    if child == 0:
        _become(home, environment, writing)
    os.close(writing)
    _wait(child)
    said = b""
    while part := os.read(reading, 4096):
        said += part
        if said.endswith(b"\n"):
            break
    os.close(reading)
    return said.decode("utf-8", "replace").strip()


def _wait(child: int) -> None:
    """Until it has ended. Where a host ignores what becomes of children, there is nobody to ask."""
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return


def _become(home: str, environment: dict[str, str], told: int) -> None:
    """Turn into the daemon, which is nobody's child and in nobody's session: hosts kill all that they
    find of the server that they started."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        log = os.open(f"{home}/{LOG}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(told, _TOLD)
        # What the host left open for the shim would never end for it.
        os.closerange(_TOLD + 1, os.sysconf("SC_OPEN_MAX"))
        os.chdir(home)
        kept = {name: value for name, value in environment.items() if not name.startswith("LOCI_")}
        # -P: modules are not looked for in the data directory.
        program = [sys.executable, "-P", "-m", "loci.server", "daemon", "run"]
        os.execve(sys.executable, [*program, "--home", home, "--told", str(_TOLD)], kept)
    except OSError as error:
        os.write(told, f"the daemon cannot be started: {error}\n".encode())
    finally:
        os._exit(1)
