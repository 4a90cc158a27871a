"""`loci reflect`: consolidation at the shell, what it did, and taking it back."""

from collections.abc import Awaitable

from rich.text import Text

from ..access import Shell, verbs
from ..errors import InvalidInput
from ..model import Cycle, Reflection, Undone, iso
from .ask import Flags, ask
from .exits import Exit
from .output import people, plain, print_json, table

__all__ = ["reflect"]

_SHOWN = 20


def reflect(flags: Flags, namespace: str | None, *, dry_run: bool, undo: bool, log: bool) -> Exit:
    """Run a cycle, or take the last one back, or list them. Raises LociError."""
    if undo + log + (dry_run or namespace is not None) > 1:
        raise InvalidInput("Give --undo or --log alone.")
    if undo:
        return _undo(flags)
    if log:
        return _log(flags)
    settings = flags.settings()
    place = settings.namespace if namespace is None else namespace

    def verb(shell: Shell) -> Awaitable[Reflection]:
        return shell(verbs.reflect, place or None, dry_run)

    with people(stderr=True).status("Reflecting …"):
        found = ask(flags, settings, "reflect", verb)
    if flags.as_json:
        print_json({**plain(found), "changes": found.changes})
    else:
        _show(found)
    return Exit.OK if found.changes else Exit.NOTHING


def _show(found: Reflection) -> None:
    lines = [
        *(f"retire  {one.id}  {one.rule}" for one in found.retired),
        *(f"close   {one.id}  holds no longer, by {one.source}" for one in found.closed),
        *(f"merge   {' '.join(o.ids)} into {o.into}  {o.content}" for o in found.merged),
        *(f"sum up  {len(one.sources)} in {one.id}  {one.content}" for one in found.summed),
    ]
    console = people()
    for line in lines[:_SHOWN]:
        console.print(Text(" ".join(line.split())[:200]))
    if len(lines) > _SHOWN:
        console.print(f"… and {len(lines) - _SHOWN:,} more")
    would = "would be" if found.dry_run else "were"
    left = f", {found.left:,} left for the next cycle" if found.left else ""
    console.print(f"{found.looked:,} looked at: {found.changes:,} changes {would} made{left}.")


def _undo(flags: Flags) -> Exit:
    def verb(shell: Shell) -> Awaitable[Undone]:
        return shell(verbs.undo)

    undone = ask(flags, flags.settings(), "reflect", verb)
    if flags.as_json:
        print_json(undone)
    elif undone.cycle is None:
        people().print("There is no cycle to take back.")
    else:
        kept = f" {len(undone.changed):,} were changed since and stay." if undone.changed else ""
        people().print(f"Cycle {undone.cycle} is taken back: {len(undone.ids):,} memories.{kept}")
    return Exit.NOTHING if undone.cycle is None else Exit.OK


def _log(flags: Flags) -> Exit:
    def verb(shell: Shell) -> Awaitable[list[Cycle]]:
        return shell(verbs.cycles)

    found = ask(flags, flags.settings(), "reflect", verb)
    if flags.as_json:
        print_json({"cycles": [plain(one) for one in found]})
        return Exit.OK
    shown = table("cycle", "when", "what", "taken back")
    for one in found:
        undone = "" if one.undone_at is None else iso(one.undone_at)
        shown.add_row(str(one.id), iso(one.at), one.summary, undone)
    people().print(shown)
    return Exit.OK
