"""The verbs at the shell: their arguments and help. What they do is imported when they are run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..model import PLAIN, ForgetMode, Kind, Source, Tier
from .ask import Flags
from .output import failing

__all__ = [
    "AsJson",
    "Home",
    "Profile",
    "Tenant",
    "board",
    "doctor",
    "entities",
    "forget",
    "ls",
    "recall",
    "reflect",
    "reindex",
    "remember",
    "show",
    "stats",
]

Home = Annotated[Path | None, typer.Option("--home", help="The data directory.")]
Profile = Annotated[str | None, typer.Option("--profile", help="embedded, dev or prod.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Whose memories.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Namespace = Annotated[str | None, typer.Option("--namespace", help="A path such as work/loci.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag; give it again for more.")]
Session = Annotated[str | None, typer.Option("--session", help="A session's name.")]
Time = str | None


def remember(
    content: Annotated[
        str, typer.Argument(help="What to remember; - or nothing reads stdin.")
    ] = "-",
    lines: Annotated[
        Path | None, typer.Option(help="A file with one memory a line; - reads stdin.")
    ] = None,
    kind: Annotated[Kind, typer.Option()] = Kind.SEMANTIC,
    tag: Tags = None,
    namespace: Namespace = None,
    entity: Annotated[list[str] | None, typer.Option(help="What it is about.")] = None,
    importance: Annotated[float | None, typer.Option(help="0 to 1.")] = None,
    pinned: Annotated[bool, typer.Option("--pinned", help="Keep it in the hot tier.")] = False,
    source: Annotated[Source, typer.Option(help="Who vouches for it.")] = Source.USER,
    speaker: Annotated[str | None, typer.Option(help="Who said it.")] = None,
    at: Annotated[Time, typer.Option(help="When it was said or happened (ISO 8601).")] = None,
    session: Session = None,
    valid_until: Annotated[Time, typer.Option(help="When it ceases to hold.")] = None,
    expires_in: Annotated[float | None, typer.Option(help="Seconds until then.")] = None,
    supersedes: Annotated[list[str] | None, typer.Option(help="The id it replaces.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Kept beside it, as text.")
    ] = None,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Remember a statement, or each line of a file. Durable when this returns."""
    from .remember import Details
    from .remember import remember as run

    details = Details(
        kind=kind,
        tags=tuple(tag or ()),
        namespace=namespace,
        entities=tuple(entity or ()),
        importance=importance,
        pinned=pinned,
        source=source,
        speaker=speaker,
        at=at,
        session=session,
        valid_until=valid_until,
        expires_in=expires_in,
        supersedes=tuple(supersedes or ()),
        metadata=tuple(metadata or ()),
    )
    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        run(flags, content, lines, details)


def recall(
    query: Annotated[str, typer.Argument(help="A question; empty for the most active.")] = "",
    limit: Annotated[
        int, typer.Option(help=f"Recollections at the most; above {PLAIN} less likely ones too.")
    ] = PLAIN,
    max_tokens: Annotated[int, typer.Option(help="The answer's budget in tokens.")] = 1000,
    kind: Annotated[Kind | None, typer.Option()] = None,
    tier: Annotated[Tier | None, typer.Option()] = None,
    tag: Tags = None,
    namespace: Namespace = None,
    entity: Annotated[str | None, typer.Option(help="What it is about.")] = None,
    session: Session = None,
    since: Annotated[Time, typer.Option(help="Said or happened at or after.")] = None,
    until: Annotated[Time, typer.Option(help="Said or happened before.")] = None,
    as_of: Annotated[Time, typer.Option(help="What was true then.")] = None,
    known_at: Annotated[Time, typer.Option(help="What was believed then.")] = None,
    include_superseded: Annotated[bool, typer.Option("--include-superseded")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show the signals.")] = False,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Ask for what is known. Exits with 3 when nothing is relevant."""
    from .recall import Question
    from .recall import recall as run

    question = Question(
        text=query,
        limit=limit,
        max_tokens=max_tokens,
        kind=kind,
        tier=tier,
        tags=tuple(tag or ()),
        namespace=namespace,
        entity=entity,
        session=session,
        since=since,
        until=until,
        as_of=as_of,
        known_at=known_at,
        include_superseded=include_superseded,
        explain=explain,
    )
    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, question))


def forget(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of memories.")] = None,
    mode: Annotated[
        Literal["archive", "delete", "erase", "restore"],
        typer.Option(help="To the cold tier; restorable for a time; gone, with proof; back again."),
    ] = ForgetMode.DELETE.value,
    tag: Tags = None,
    namespace: Namespace = None,
    entity: Annotated[str | None, typer.Option(help="What they are about.")] = None,
    session: Session = None,
    before: Annotated[Time, typer.Option(help="Said or happened before.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Forget memories by their ids or by what they have in common.

    What is erased, and what is selected, is shown and confirmed first.
    """
    from .forget import Chosen
    from .forget import forget as run

    chosen = Chosen(
        ids=tuple(ids or ()),
        tags=tuple(tag or ()),
        namespace=namespace,
        entity=entity,
        session=session,
        before=before,
    )
    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, chosen, mode, yes=yes))


def ls(
    tier: Annotated[Tier | None, typer.Option(help="Only of this tier.")] = None,
    limit: Annotated[int, typer.Option(help="Memories on the page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List memories, newest first."""
    from .look import ls as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, tier, limit, cursor))


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A memory's id.")],
    history: Annotated[bool, typer.Option("--history", help="All its versions.")] = False,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show one memory, or all its versions."""
    from .look import show as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        run(flags, name, history=history)


def entities(
    query: Annotated[
        str, typer.Argument(help="A name, an alias or a description; empty for the most named.")
    ] = "",
    sort: Annotated[str | None, typer.Option("--type", help="As person, project or file.")] = None,
    limit: Annotated[int, typer.Option(help="Entities at the most.")] = 5,
    max_tokens: Annotated[int, typer.Option(help="The answer's budget in tokens.")] = 4000,
    merge: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="What is the same as --into.")
    ] = None,
    into: Annotated[str | None, typer.Option(metavar="ID", help="The one that stays.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take --merge out of --into; a name is split off.")
    ] = False,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show who and what is known, or merge what is the same. Exits with 3 if nothing is found."""
    from .entities import entities as find
    from .entities import merge as run_merge

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        if into is not None:
            run_merge(flags, into, merge or [], undo=undo)
            return
        raise SystemExit(find(flags, query, sort, limit, max_tokens))


def stats(
    home: Home = None, profile: Profile = None, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Count memories and say how the store is doing."""
    from .look import stats as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags))


def board(
    name: Annotated[str | None, typer.Argument(help="A board; ~NAME is your own.")] = None,
    key: Annotated[str | None, typer.Argument(help="One of its cells.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
    value: Annotated[
        str | None, typer.Option("--set", metavar="JSON", help="Set the cell; or a text.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the cell.")] = False,
    if_version: Annotated[
        int | None, typer.Option(help="Only if it is at this version; 0: if it is not there.")
    ] = None,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List blackboards, or show one: live on a terminal, until Ctrl-C."""
    from .board import Asked
    from .board import board as run

    asked = Asked(name=name, key=key, once=once, value=value, delete=delete, if_version=if_version)
    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, asked))


def doctor(
    home: Home = None, profile: Profile = None, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Check the data directory, the database, the model and the whole way. Exits with 1 if ill."""
    from .doctor import doctor as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags))


def reindex(
    home: Home = None, profile: Profile = None, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Build the vector index anew from the database. Recall never depends on it."""
    from .reindex import reindex as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags))


def reflect(
    namespace: Namespace = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and change nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the last cycle.")] = False,
    log: Annotated[bool, typer.Option("--log", help="Show what the last cycles did.")] = False,
    home: Home = None,
    profile: Profile = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Merge what was said twice, sum up episodes, apply retention. Exits with 3 if nothing is to do."""
    from .reflect import reflect as run

    flags = Flags(home=home, profile=profile, tenant=tenant, as_json=as_json)
    with failing(as_json=as_json):
        raise SystemExit(run(flags, namespace, dry_run=dry_run, undo=undo, log=log))
