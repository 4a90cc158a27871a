"""The `loci` command: what clients start, and the same verbs at the shell.

Below stand `app` and the daemon, which serve what a verb works on; nothing stands above. Clients wait
for `loci stdio`: this module imports only the shim for it. Every other command is imported when it
is named.
"""

import sys

__all__ = ["main"]

_VALUED = ("--home", "--profile", "--tenant")
_FLAGS = ("--json",)
_GROUPS = ("models", "daemon", "tenant", "token")
"""Named by two words."""


def main() -> None:
    """Run the command line of this process and exit."""
    arguments = _verb_first(sys.argv[1:])
    if arguments[:1] == ["stdio"]:
        sys.exit(_stdio(arguments[1:]))
    if arguments[:2] == ["daemon", "run"]:
        from .daemon_process import run

        sys.exit(run(arguments[2:]))
    if arguments == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"loci {version('loci')}\n")
        sys.exit(0)
    from .commands import run_commands

    run_commands(arguments)


def _stdio(arguments: list[str]) -> int:
    if sys.platform != "win32":  # which has no such sockets in Python
        from ..shim.command import options, run

        given = options(arguments)
        if given is not None:
            return run(given)
    from .stdio import run as run_in_process

    return run_in_process(arguments)


def _verb_first(arguments: list[str]) -> list[str]:
    """Options that every command has may stand before its name: put them behind it."""
    taken = 0
    while taken < len(arguments):
        name, equals, _ = arguments[taken].partition("=")
        if name in _FLAGS or (name in _VALUED and equals):
            taken += 1
        elif name in _VALUED:
            taken += 2
        else:
            break
    options, rest = arguments[:taken], arguments[taken:]
    words = 2 if rest[:1] and rest[0] in _GROUPS else 1
    return [*rest[:words], *options, *rest[words:]]
