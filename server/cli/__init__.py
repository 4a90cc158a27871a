"""The `loci` command: what clients start, and the same verbs at the shell.

Below stands `app`, which opens what a verb works on; nothing stands above. Clients wait for `loci
stdio`, so this module and `stdio` import nothing that a handshake does not need: every other command
is imported when it is named.
"""

import sys

__all__ = ["main"]

_VALUED = ("--home", "--profile", "--tenant")
_FLAGS = ("--json",)


def main() -> None:
    """Run the command line of this process and exit."""
    arguments = _verb_first(sys.argv[1:])
    if arguments[:1] == ["stdio"]:
        from .stdio import run

        sys.exit(run(arguments[1:]))
    if arguments == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"loci {version('loci')}\n")
        sys.exit(0)
    from .commands import run_commands

    run_commands(arguments)


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
    # Groups are named by two words.
    words = 2 if rest[:1] == ["models"] else 1
    return [*rest[:words], *options, *rest[words:]]
