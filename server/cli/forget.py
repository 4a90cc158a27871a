"""`loci forget`: by ids or by what memories have in common; and back again."""

import sys
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Literal

from rich.text import Text

from ..access import Shell, verbs
from ..errors import ConfirmationNeeded, InvalidInput, StoreError
from ..model import ForgetMode, Forgotten, Memory, Selection, from_time, is_note_id, iso
from ..settings import Settings
from .ask import Flags, ask
from .exits import Exit
from .output import people, print_json

__all__ = ["Chosen", "Mode", "forget"]

Mode = Literal["archive", "delete", "erase", "restore"]

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What to forget, as typed."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    namespace: str | None
    entity: str | None
    session: str | None
    before: str | None

    def selection(self) -> Selection:
        """What they have in common; by nothing where ids were given. Raises InvalidInput."""
        return Selection(
            tags=self.tags,
            namespace=self.namespace or None,
            entity=self.entity,
            session=self.session,
            before=from_time("before", self.before),
        )


def forget(flags: Flags, chosen: Chosen, mode: Mode, *, yes: bool) -> Exit:
    """Forget or restore, and print the receipt. Raises LociError."""
    settings = flags.settings()
    if mode == "restore":
        return _restore(flags, settings, chosen)
    ids = _ids(flags, settings, chosen, ForgetMode(mode))
    if not ids:
        people(stderr=True).print("Nothing is selected.")
        return Exit.NOTHING
    if (
        not yes
        and (mode == "erase" or not chosen.ids)
        and not _confirmed(flags, settings, ids, mode)
    ):
        people(stderr=True).print("Nothing was forgotten.")
        return Exit.FAILED

    def verb(shell: Shell) -> Awaitable[Forgotten]:
        return shell(verbs.forget, ids, ForgetMode(mode))

    return _receipt(ask(flags, settings, "forget", verb), as_json=flags.as_json)


def _ids(flags: Flags, settings: Settings, chosen: Chosen, mode: ForgetMode) -> list[str]:
    selection = chosen.selection()
    if chosen.ids:
        if selection != Selection():
            raise InvalidInput("Give ids or a selection, not both.")
        return list(chosen.ids)
    if selection != Selection() and selection.namespace is None:
        # Only narrows what selects something already: alone, a default must not select all.
        selection = replace(selection, namespace=settings.namespace or None)

    return ask(flags, settings, "forget", lambda shell: shell(verbs.select, selection, mode))[0]


def _confirmed(flags: Flags, settings: Settings, ids: list[str], mode: Mode) -> bool:
    """Show what is meant and ask. What is forgotten then are these ids, whatever comes between."""
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(
            f"This would {mode} {len(ids):,} memories: {', '.join(ids[:_SHOWN])}"
            f"{', …' if len(ids) > _SHOWN else ''}. Repeat with --yes."
        )

    kept = [one for one in ids if not is_note_id(one)]

    async def verb(shell: Shell) -> list[Memory]:
        return [await shell(verbs.get, name) for name in kept[:_SHOWN]]

    console = people(stderr=True)
    for memory in ask(flags, settings, "forget", verb):
        console.print(Text(f"  {memory.id}  {' '.join(memory.content.split())[:100]}"))
    if len(kept) > _SHOWN:
        console.print(f"  … and {len(kept) - _SHOWN:,} more")
    notes = f" and {len(ids) - len(kept):,} notes" if len(kept) < len(ids) else ""
    console.print(f"{mode.capitalize()} {len(kept):,} memories{notes}? [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _restore(flags: Flags, settings: Settings, chosen: Chosen) -> Exit:
    if not chosen.ids or chosen.selection() != Selection():
        raise InvalidInput("restore: give the ids; the receipt of forget names them.")
    ids = ask(flags, settings, "forget", lambda shell: shell(verbs.restore, chosen.ids))
    if flags.as_json:
        print_json({"mode": "restore", "ids": ids})
    else:
        people().print(f"Restored {len(ids):,}: {', '.join(ids)}", soft_wrap=True)
    return Exit.OK


def _receipt(receipt: Forgotten, *, as_json: bool) -> Exit:
    if as_json:
        print_json(receipt)
    else:
        words = {"archive": "Archived", "delete": "Deleted", "erase": "Erased"}
        text = f"{words[receipt.mode.value]} {len(receipt.ids):,}: {', '.join(receipt.ids)}"
        text += f"; notes: {', '.join(receipt.notes)}" if receipt.notes else ""
        people().print(text, soft_wrap=True)
    if receipt.restorable_until is not None and not as_json:
        until = iso(receipt.restorable_until)
        people().print(f"Restorable until {until}: loci forget --mode restore ID …", soft_wrap=True)
    if receipt.residue is not None:
        _prove(receipt, as_json=as_json)
    return Exit.OK


def _prove(receipt: Forgotten, *, as_json: bool) -> None:
    """Raises StoreError where traces stay."""
    residue = receipt.residue
    if residue is None:
        return
    if residue.found:
        raise StoreError(f"Erased, but traces stay in: {', '.join(residue.found)}.")
    if not as_json:
        people().print(f"No trace is left in: {', '.join(residue.scanned)}.", soft_wrap=True)
