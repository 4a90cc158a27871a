"""Every command's arguments and help. What they do is imported when they are run."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from .ask import Flags
from .evaluate import evaluate
from .exits import EPILOGUE, Exit
from .output import failing, use_utf8
from .replaying import replay
from .tenants import tenant_app
from .tokens import token_app
from .verbs import (
    AsJson,
    Home,
    Profile,
    board,
    doctor,
    entities,
    forget,
    ls,
    recall,
    reflect,
    reindex,
    remember,
    show,
    stats,
)

__all__ = ["run_commands"]

app = typer.Typer(
    name="loci",
    help="A memory for agents: remember, recall and forget, offline and durable.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    add_completion=False,
    # Its tracebacks would print texts of memories.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="The embedding models.", no_args_is_help=True)
app.add_typer(models_app, name="models")
# `daemon run` is for shims: `main` knows it, and nobody else needs to.
daemon_app = typer.Typer(help="The process that serves every client.", no_args_is_help=True)
app.add_typer(daemon_app, name="daemon")

app.add_typer(tenant_app, name="tenant")
app.add_typer(token_app, name="token")


def run_commands(arguments: Sequence[str]) -> None:
    """Run a command line other than `stdio` and exit."""
    use_utf8()
    try:
        app(args=list(arguments), prog_name="loci")
    except KeyboardInterrupt:
        sys.stderr.write("loci: interrupted\n")
        sys.exit(Exit.INTERRUPTED)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """A memory for agents: remember, recall and forget, offline and durable."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"loci {installed('loci')}")
        raise typer.Exit


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def stdio(context: typer.Context) -> None:
    """Serve MCP on stdin and stdout: what clients start."""
    # Named by `main` before typer is imported; here only for the list of commands.
    from .stdio import run

    raise SystemExit(run(context.args))


@app.command()
def serve(
    home: Home = None,
    profile: Profile = None,
    host: Annotated[str | None, typer.Option(help="The address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")] = None,
) -> None:
    """Serve MCP over HTTP: /mcp, /sse, /healthz, /readyz, /metrics. Ends with SIGTERM or Ctrl-C."""
    from .serve import serve as run

    with failing():
        run({"home": home, "profile": profile, "host": host, "port": port})


@app.command()
def demo(
    home: Annotated[Path | None, typer.Option(help="Keep the demo's memories here.")] = None,
    conversation: Annotated[
        Path | None, typer.Option(help="JSON lines with text, speaker, ts and session.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="JSON lines with question and, if known, answer.")
    ] = None,
) -> None:
    """Show what Loci does: a real server remembers a conversation and answers from it."""
    from .demo import demo as run

    with failing():
        raise SystemExit(run(home, conversation, questions))


_VERBS = (
    *(remember, recall, forget, ls, show, entities, stats),
    *(board, reflect, replay, reindex, doctor),
)
for verb in _VERBS:
    app.command()(verb)
app.command("eval")(evaluate)


@models_app.command("list")
def models_list(home: Home = None, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show the shipped model and the one in use."""
    from .models import list_models as run

    with failing(as_json=as_json):
        run(Flags(home=home, profile=profile, as_json=as_json))


@models_app.command("compile")
def models_compile(
    folder: Annotated[Path, typer.Argument(help="A sentence-transformers folder.")],
    to: Annotated[Path, typer.Option("--to", help="The compiled folder to write.")],
    name: Annotated[
        str | None, typer.Option(help="The model's name; the folder's if none.")
    ] = None,
    quantize: Annotated[bool, typer.Option("--quantize/--no-quantize", help="To int8.")] = True,
    as_json: AsJson = False,
) -> None:
    """Compile a BERT-family model for the default embedder. Needs the extra `compile`."""
    from .models import compile_folder as run

    with failing(as_json=as_json):
        run(folder, to, name, quantize=quantize, as_json=as_json)


@daemon_app.command("status")
def daemon_status(home: Home = None, as_json: AsJson = False) -> None:
    """Show the daemon and its clients. Exits with 3 if none runs, with 1 if it does not answer."""
    from .daemon import status as run

    with failing(as_json=as_json):
        raise SystemExit(run(home, as_json=as_json))


@daemon_app.command("stop")
def daemon_stop(
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Kill it if it does not end.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds for it to answer what was asked, and end.")
    ] = 15,
    as_json: AsJson = False,
) -> None:
    """End the daemon in order. The next client starts another one."""
    from .daemon import stop as run

    with failing(as_json=as_json):
        raise SystemExit(run(home, force=force, timeout=timeout, as_json=as_json))


@daemon_app.command("logs")
def daemon_logs(
    home: Home = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print the last lines that the daemon has logged."""
    from .daemon_logs import logs as run

    with failing():
        raise SystemExit(run(home, lines, follow=follow))


@app.command()
def connect(
    client: Annotated[
        Literal["claude-desktop", "claude-code", "cursor", "vscode"],
        typer.Argument(help="The client to connect."),
    ],
    home: Annotated[Path | None, typer.Option(help="Serve this data directory.")] = None,
    project: Annotated[
        bool, typer.Option("--project", help="claude-code: .mcp.json in this folder.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print it and write nothing.")
    ] = False,
) -> None:
    """Write a client's configuration. Shows the change first and keeps a copy of the file."""
    from .connect import connect as run

    with failing():
        raise SystemExit(run(client, home, project=project, yes=yes, only_print=only_print))
