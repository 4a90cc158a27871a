"""`loci ls`, `loci show`, `loci stats`: looking without asking."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, cast

from rich.text import Text

from ..access import Shell, verbs
from ..home import DATABASE
from ..model import Memory, Page, Status, Tier, iso
from ..model.shown import memory_dict
from .ask import Flags, ask
from .exits import Exit
from .output import people, plain, print_json, table

__all__ = ["ls", "show", "stats"]


def ls(flags: Flags, tier: Tier | None, limit: int, cursor: str | None) -> Exit:
    """Print a page of memories, newest first. Raises LociError."""

    def verb(shell: Shell) -> Awaitable[Page]:
        return shell(verbs.page, tier, cursor=cursor, limit=limit)

    page = ask(flags, flags.settings(), "ls", verb)
    if flags.as_json:
        shown = [memory_dict(memory) for memory in page.memories]
        print_json({"memories": shown, "cursor": page.cursor})
    elif not page.memories:
        people().print("Nothing is remembered here.")
    else:
        _show_page(page)
    return Exit.OK if page.memories else Exit.NOTHING


def _show_page(page: Page) -> None:
    shown = table("id", "when", "tier", "kind", "content")
    for memory in page.memories:
        day = f"{memory.valid_from:%Y-%m-%d}"
        said = f"{memory.speaker}: " if memory.speaker else ""
        content = Text(said + " ".join(memory.content.split()))
        shown.add_row(memory.id, day, memory.tier.value, memory.kind.value, content)
    people().print(shown)
    if page.cursor is not None:
        people().print(f"More: loci ls --cursor {page.cursor}")


def show(flags: Flags, name: str, *, history: bool) -> None:
    """Print a memory, or its versions, oldest first. Raises LociError."""

    async def verb(shell: Shell) -> list[Memory]:
        if history:
            return await shell(verbs.history, name)
        return [await shell(verbs.get, name)]

    versions = ask(flags, flags.settings(), "show", verb)
    if flags.as_json:
        shown = [memory_dict(memory) for memory in versions]
        print_json(shown if history else shown[0])
        return
    for memory in versions:
        _show_memory(memory)


def _show_memory(memory: Memory) -> None:
    console = people()
    console.print(Text(memory.content, style="bold"), soft_wrap=True)
    shown = table("", "")
    shown.show_header = False
    for field, value in memory_dict(memory).items():
        if field != "content":
            shown.add_row(Text(f"  {field}", style="dim"), Text(_readable(value)))
    console.print(shown)


def _readable(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return ", ".join(f"{key}={one}" for key, one in pairs)
        case list():
            return ", ".join(map(str, cast("list[object]", value)))
        case _:
            return str(value)


def stats(flags: Flags) -> Exit:
    """Print counts and health. Raises LociError."""
    settings = flags.settings()
    status = ask(flags, settings, "stats", lambda shell: shell(verbs.status))
    database = settings.home / DATABASE
    about = {
        "home": str(settings.home),
        "tenant": settings.tenant,
        "bytes": database.stat().st_size,
        "changed": iso(datetime.fromtimestamp(database.stat().st_mtime, UTC)),
    }
    if flags.as_json:
        print_json({**about, **plain(status)})
    else:
        _show_status(about, status)
    return Exit.OK if status.healthy else Exit.FAILED


def _show_status(about: dict[str, Any], status: Status) -> None:
    shown = table("", "")
    shown.show_header = False
    rows = {
        "home": about["home"],
        "tenant": about["tenant"],
        "database": f"{about['bytes'] / 1e6:,.1f} MB, changed {about['changed']}",
        "memories": f"{sum(status.tiers.values()):,}",
        "tiers": ", ".join(f"{name} {count:,}" for name, count in status.tiers.items()),
        "kinds": ", ".join(f"{name} {count:,}" for name, count in status.kinds.items()) or "none",
        "embedder": status.embedder,
        "waiting": f"{status.waiting:,} for their vectors",
        "index": f"{status.index.state}, {status.index.waiting:,} changes wait; "
        f"searched {status.index.searched}",
        "answers": f"{status.answers.again:,} given again, {status.answers.sought:,} sought",
        "entities": f"{status.cards.entities:,}; cards of {status.cards.cards:,}: "
        f"{status.cards.card_tokens:,} tokens for {status.cards.memory_tokens:,} of their memories",
        "canary": status.canary,
    }
    for name, value in rows.items():
        shown.add_row(Text(name, style="dim"), Text(value))
    people().print(shown)
