"""`loci entities`: who and what is known, and which names mean the same."""

from collections.abc import Awaitable, Sequence

from rich.text import Text

from ..access import Shell, verbs
from ..errors import InvalidInput
from ..model import Card, Cards, EntityType
from ..model.shown import card_dict, cards_dict
from .ask import Flags, ask
from .exits import Exit
from .output import people, print_json, table

__all__ = ["entities", "merge"]


def entities(flags: Flags, query: str, sort: str | None, limit: int, max_tokens: int) -> Exit:
    """Print entities. Raises LociError."""
    kind = EntityType.named(sort)

    def verb(shell: Shell) -> Awaitable[Cards]:
        return shell(verbs.entities, query, kind, limit=limit, max_tokens=max_tokens)

    found = ask(flags, flags.settings(), "entities", verb)
    if flags.as_json:
        print_json(cards_dict(found))
    elif not found.cards:
        people().print("Nothing is known by that name." if query else "Nobody is known here yet.")
    else:
        for card in found.cards:
            _show(card)
        if found.omitted:
            people().print(f"{found.omitted:,} more: --limit, --max-tokens")
    return Exit.OK if found.cards else Exit.NOTHING


def merge(flags: Flags, into: str, others: Sequence[str], *, undo: bool) -> None:
    """Merge entities, or take them apart again. Raises LociError."""
    if not others:
        raise InvalidInput("Say what to merge: loci entities --into ID --merge ID")

    def verb(shell: Shell) -> Awaitable[Card]:
        return shell(verbs.merge, into, list(others), undo=undo)

    card = ask(flags, flags.settings(), "entities", verb)
    if flags.as_json:
        print_json(card_dict(card))
    else:
        _show(card)


def _show(card: Card) -> None:
    console = people()
    known = f", also {', '.join(card.aliases)}" if card.aliases else ""
    console.print(Text(f"{card.name} ({card.type.value}){known}", style="bold"), soft_wrap=True)
    console.print(Text(f"  {card.id}, named by {card.mentions:,}", style="dim"))
    shown = table("", "", "")
    shown.show_header = False
    for state in card.states:
        until = f"until {state.until:%Y-%m-%d}" if state.until else ""
        when = Text(f"  {state.since:%Y-%m-%d} {until}", style="dim")
        shown.add_row(when, state.attribute, Text(state.value))
    if card.states:
        console.print(shown)
