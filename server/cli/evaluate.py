"""The arguments and the help of `loci eval`. What it does is imported when it is run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .output import failing
from .verbs import AsJson

__all__ = ["evaluate"]


def evaluate(
    corpus: Annotated[
        Path, typer.Argument(help="JSON lines of memories; or a folder of NAME.corpus.jsonl[.gz].")
    ],
    questions: Annotated[
        Path | None, typer.Argument(help="JSON lines of questions; none for a folder.")
    ] = None,
    k: Annotated[str, typer.Option("--k", help="Ranks for recall@k.")] = "1,5,10,20",
    budget: Annotated[
        list[int] | None,
        typer.Option(
            min=100,
            max=100_000,
            help="Tokens to find the evidence within; 1000 if none. May be given several times.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw recall@10 by category, and the reliability curve, into this SVG file."
        ),
    ] = None,
    ablations: Annotated[
        bool,
        typer.Option("--ablations/--no-ablations", help="Rank by words and by meaning alone, too."),
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first questions of each corpus.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep the memories in this folder; the same corpus is taken from it."),
    ] = None,
    at: Annotated[
        Literal["now", "question"],
        typer.Option(help="Ask what is true now, or was at the question's date (as_of)."),
    ] = "now",
    as_json: AsJson = False,
) -> None:
    """Measure how well the real server finds what questions are about."""
    from .evaluation import Options
    from .evaluation import evaluate as run

    options = Options(
        ks=k,
        budgets=budget or [1000],
        as_json=as_json,
        plot=plot,
        ablations=ablations,
        limit=limit,
        keep=keep,
        then=at == "question",
    )
    with failing(as_json=as_json):
        raise SystemExit(run(corpus, questions, options))
