"""Exit codes, for scripts."""

from enum import IntEnum

from ..errors import LociError, NotFound, SettingsError, StoreBusy

__all__ = ["EPILOGUE", "Exit", "exit_of"]


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """An expected failure; stderr says what to do."""
    USAGE = 2
    """The command line or a setting is wrong."""
    NOTHING = 3
    """Nothing found, nothing relevant."""
    BUSY = 4
    """Another process holds the data directory."""
    INTERRUPTED = 130


EPILOGUE = (
    "Every command that touches memories takes --home, --profile, --tenant and --json, before or "
    "after its name. Exit codes: 0 done; 1 failed, stderr says why; 2 wrong usage or a wrong "
    "setting; 3 nothing found or nothing relevant; 4 another process holds the data directory; "
    "130 interrupted."
)


def exit_of(error: LociError) -> Exit:
    """The code that an error ends a command with."""
    match error:
        case SettingsError():
            return Exit.USAGE
        case NotFound():
            return Exit.NOTHING
        case StoreBusy():
            return Exit.BUSY
        case _:
            return Exit.FAILED
