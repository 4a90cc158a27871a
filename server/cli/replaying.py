"""The arguments and the help of `loci replay`. What it does is imported when it is run."""

from pathlib import Path
from typing import Annotated

import typer

from .ask import Flags
from .output import failing
from .verbs import AsJson, Home, Profile, Tenant

__all__ = ["replay"]


def replay(
    file: Annotated[
        Path | None,
        typer.Argument(help="JSON lines of notes; the scratchpads of this directory if none."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Try these promotion_weights, all five: novelty=0.3 recurrence=0.15 …"),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--from", help="Try this promotion_from, 0 to 1.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the notes to this new file, to replay them later.")
    ] = None,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show what a promotion policy keeps of recorded sessions, beside that of the settings.

    A line of FILE has `session` and `content`, and may have `section`, `importance`, `outcome`,
    `uses`, `namespace`, `agent`, and `kept` (true or false: what would have been right). The
    sessions are replayed in their order, by the real engine, in a directory of their own.
    """
    from .replay import Trial
    from .replay import replay as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, file, Trial(weights, threshold), save))
