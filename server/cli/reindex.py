"""`loci reindex`: throw a tenant's vector index away, and build it anew from the ledger."""

from collections.abc import Callable
from contextlib import suppress

import anyio
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..access import Shell, verbs
from ..errors import IndexFailed, LociError
from ..model import IndexStatus
from ..tasks import task_group
from .ask import Flags, ask
from .exits import Exit
from .output import people, plain, print_json

__all__ = ["reindex"]

_LOOK = 0.2
"""Seconds between two looks at how far it is."""


def reindex(flags: Flags) -> Exit:
    """Build the index, showing progress, and print what came of it. Raises LociError."""
    settings = flags.settings()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=people(),
        disable=flags.as_json,
        transient=True,
    )
    with bar:
        task = bar.add_task("index", total=None)

        def show(status: IndexStatus) -> None:
            if status.built is not None:
                done, whole = status.built
                bar.update(task, completed=done, total=whole)

        status = ask(flags, settings, "reindex", lambda shell: _build(shell, show))
    if flags.as_json:
        print_json({"tenant": settings.tenant, **plain(status)})
    else:
        people().print(_told(status))
    return Exit.OK


async def _build(shell: Shell, show: Callable[[IndexStatus], None]) -> IndexStatus:
    async def look() -> None:
        # What fails here fails there as well, and is told once.
        with suppress(LociError):
            while True:
                show(await shell(verbs.index))
                await anyio.sleep(_LOOK)

    async with task_group() as tasks:
        tasks.start_soon(look)
        try:
            status = await shell(verbs.reindex)
        except IndexFailed as error:
            raise IndexFailed(f"The index cannot be built: {error}. Recall needs none.") from error
        finally:
            tasks.cancel_scope.cancel()
    return status


def _told(status: IndexStatus) -> str:
    if status.state == "off":
        return "No index is kept (index = none): every search is exact."
    if status.state == "missing":
        return "Nothing is remembered yet: there is nothing to index."
    return f"Indexed {status.vectors:,} vectors."
