"""`loci daemon`: how the daemon is, ending it, and what it logs. `run` is in `daemon_process`."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from ..errors import LociError
from ..home import Owner, current_owner
from ..shim.where import home_of
from .daemon_state import DaemonState, daemon_owner, look_at_daemon
from .exits import Exit
from .output import people, plain, print_json, table

__all__ = ["daemon_home", "status", "stop"]

_LOOK = 0.05


def status(home: Path | None, *, as_json: bool) -> Exit:
    """Print how the daemon is. Raises LociError."""
    place = daemon_home(home)
    state = look_at_daemon(place)
    if as_json:
        _print(state, place)
    elif state is None:
        people().print(f"No daemon runs. {_held(place)}", soft_wrap=True)
    else:
        _show(state, place)
    if state is None:
        return Exit.NOTHING
    return Exit.FAILED if state.report is None else Exit.OK


def daemon_home(home: Path | None) -> Path:
    """The data directory, found without the settings, for one of them may be wrong. Raises LociError."""
    if sys.platform == "win32":
        raise LociError(
            "There is no daemon on Windows: `loci stdio` serves in its own process, and one client "
            "at a time has the data directory."
        )
    return Path(home_of(None if home is None else str(home), dict(os.environ)))


def _held(home: Path) -> str:
    owner = current_owner(home)
    if owner is None:
        return "The next `loci stdio` starts one."
    return f"`{owner.command}` (process {owner.pid}, since {owner.since}) holds {home}."


def _print(state: DaemonState | None, home: Path) -> None:
    if state is None:
        print_json({"running": False, "home": str(home)})
    elif state.report is None:
        told = {"running": True, "answers": False, "home": str(home), "reason": state.reason}
        print_json({**told, "pid": state.owner.pid, "since": state.owner.since})
    else:
        print_json({"running": True, "answers": True, **plain(state.report.model_dump())})


def _show(state: DaemonState, home: Path) -> None:
    report = state.report
    if report is None:
        people().print(
            f"The daemon (process {state.owner.pid}, since {state.owner.since}) does not answer: "
            f"{state.reason}. To end it: loci daemon stop --force",
            soft_wrap=True,
        )
        return
    shown = table("", "")
    shown.show_header = False
    rows = {
        "process": str(report.pid),
        "version": report.version,
        "since": report.since,
        "home": str(home),
        "memory": f"{report.peak_memory_mb:,} MB at the most",
        "processor": f"{report.cpu_seconds:,.1f} s",
        "clients": f"{len(report.clients):,}",
    }
    for name, value in rows.items():
        shown.add_row(Text(name, style="dim"), Text(value))
    people().print(shown)
    _show_clients(state)


def _show_clients(state: DaemonState) -> None:
    if state.report is None or not state.report.clients:
        return
    shown = table("process", "version", "since", "tools", "tenant", "namespace", "agent")
    for one in state.report.clients:
        texts = (one.version, one.since, one.tools, one.tenant, one.namespace, one.agent or "")
        shown.add_row(str(one.pid), *map(Text, texts))
    people().print(shown)


def stop(home: Path | None, *, force: bool, timeout: float, as_json: bool) -> Exit:
    """End the daemon in order, and say so. Raises LociError: it goes on."""
    place = daemon_home(home)
    owner = daemon_owner(place)
    if owner is None:
        _say(as_json, f"No daemon runs. {_held(place)}", {"stopped": False})
        return Exit.OK
    forced = False
    if not _ended(place, owner, signal.SIGTERM, timeout):
        if not force:
            raise LociError(
                f"The daemon (process {owner.pid}) goes on after {timeout:g} s. Wait, or kill it with "
                "--force: what was acknowledged stays."
            )
        forced = True
        if not _ended(place, owner, signal.SIGKILL, timeout):
            raise LociError(f"The daemon (process {owner.pid}) was killed and is still there.")
    how = "killed: it did not end by itself" if forced else "stopped"
    told = {"stopped": True, "forced": forced, "pid": owner.pid}
    _say(as_json, f"The daemon (process {owner.pid}) was {how}.", told)
    return Exit.OK


def _say(as_json: bool, text: str, content: Mapping[str, object]) -> None:
    if as_json:
        print_json(content)
    else:
        people().print(text, soft_wrap=True)


def _ended(home: Path, daemon: Owner, by: signal.Signals, seconds: float) -> bool:
    """Send a signal, and wait until that daemon has given the directory back. Another may come."""
    try:
        os.kill(daemon.pid, by)
    except ProcessLookupError:
        return True
    except PermissionError as error:
        raise LociError(f"The daemon (process {daemon.pid}) is another user's.") from error
    until = time.monotonic() + seconds
    while (owner := daemon_owner(home)) is not None and owner.pid == daemon.pid:
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK)
    return True
