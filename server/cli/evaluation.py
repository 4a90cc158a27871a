"""`loci eval`: how well the real server finds what questions are about, on anybody's data.

Every tenant of a corpus gets a data directory and, one after another, servers of its own, which are
spoken to over MCP (`evaluation_filling`, `evaluation_running`). Nothing is known here of how recall works.
"""

import os
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.progress import Progress

from ..errors import InvalidInput, SettingsError
from .evaluation_data import Corpus, corpora_in, read_corpus
from .evaluation_filling import filled
from .evaluation_plot import plot
from .evaluation_report import Figures, Report, figures, main_rank, tables
from .evaluation_running import SIGNALS, Answer, Signals, Way, ask, configure
from .exits import Exit
from .loop import run_loop
from .output import people, print_json, progress

__all__ = ["Options", "evaluate"]

_DEEPEST = 100
"""The largest limit of recall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure, and where to put it."""

    ks: str
    """Numbers with commas between them."""
    budgets: Sequence[int]
    as_json: bool
    plot: Path | None
    ablations: bool
    limit: int | None
    keep: Path | None
    then: bool


def evaluate(corpus: Path, questions: Path | None, options: Options) -> Exit:
    """Measure, and print the figures.

    Raises:
        InvalidInput: a file is wrong, or cannot be read or written.
        SettingsError: a variable would decide for every ranking.
        LociError: the server refuses something or does not answer.
        typer.BadParameter: the command line is wrong.
    """
    ks, budgets = _numbers(options.ks), sorted(set(options.budgets))
    _check(options)
    reports: list[Report] = []
    corpora = [read_corpus(*files, options.limit) for files in _files(corpus, questions)]
    with _folder(options.keep) as folder:
        for one in corpora:
            reports.append(_measure(one, folder, ks, budgets, options))
            if not options.as_json:
                _print(reports[-1], ks, budgets)
    if options.as_json:
        print_json({"corpora": [asdict(report) for report in reports]})
    if options.plot is not None:
        _write(options.plot, plot(reports, main_rank(ks)))
    return Exit.OK


def _numbers(text: str) -> list[int]:
    try:
        numbers = sorted({int(one) for one in text.split(",")})
    except ValueError:
        numbers = [0]
    if not 1 <= numbers[0] <= numbers[-1] <= _DEEPEST:
        raise typer.BadParameter(f"--k: give numbers from 1 to {_DEEPEST}, such as 1,5,10,20.")
    return numbers


def _check(options: Options) -> None:
    """What would only be noticed after minutes."""
    if options.ablations and os.environ.get("LOCI_SIGNALS"):
        raise SettingsError(
            "LOCI_SIGNALS is set, and every ranking would go by it. Unset it, or give "
            "--no-ablations."
        )
    if options.plot is not None and not options.plot.absolute().parent.is_dir():
        raise InvalidInput(f"--plot: the folder {options.plot.parent} is not there; make it first.")


def _files(corpus: Path, questions: Path | None) -> list[tuple[Path, Path]]:
    if questions is not None:
        return [(corpus, questions)]
    if corpus.is_dir():
        return corpora_in(corpus)
    raise typer.BadParameter(
        "QUESTIONS: name the file, or a folder of corpora and questions alone."
    )


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="loci-eval-") as folder:
            yield Path(folder)
        return
    keep = keep.expanduser().absolute()
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"--keep: {keep} cannot be made: {error.strerror}.") from error
    yield keep


def _measure(
    corpus: Corpus, folder: Path, ks: Sequence[int], budgets: Sequence[int], options: Options
) -> Report:
    names: Sequence[Signals] = SIGNALS if options.ablations else SIGNALS[:1]
    ways = [Way(name, budgets, options.then) for name in names]
    rows = sum(map(len, corpus.rows.values()))
    asked = sum(map(len, corpus.questions.values()))
    steps = rows + asked * sum(len(way.passes()) for way in ways)
    answers: dict[Signals, list[Answer]] = {way.signals: [] for way in ways}
    taken = {"remember": 0.0, "ask": 0.0}
    with progress(corpus.name, steps) as bar:
        for tenant in corpus.questions:
            for name, found in _tenant(corpus, tenant, folder, ways, bar, taken):
                answers[name] += found
    made: dict[Signals, Figures] = {}
    for name, found in answers.items():
        made[name] = figures(found, ks, budgets)
    seconds = {name: round(value, 1) for name, value in taken.items()}
    return Report(corpus.name, rows, asked, seconds, made)


def _tenant(
    corpus: Corpus,
    tenant: str,
    folder: Path,
    ways: Sequence[Way],
    bar: Progress,
    taken: dict[str, float],
) -> Generator[tuple[Signals, list[Answer]]]:
    began = time.perf_counter()
    held = filled(folder, corpus.rows[tenant], bar)
    ended = time.perf_counter()
    taken["remember"] += ended - began
    for way in ways:
        configure(held.home, way.signals)
        questions = corpus.questions[tenant]
        yield (
            way.signals,
            run_loop(ask, held, questions, way, lambda: bar.advance(bar.task_ids[0])),
        )
    taken["ask"] += time.perf_counter() - ended


def _print(report: Report, ks: Sequence[int], budgets: Sequence[int]) -> None:
    for one in tables(report, ks, budgets):
        people().print(one)
        people().print()
    people().print(
        f"{report.name}: {report.memories:,} memories, {report.questions:,} questions; remembered in "
        f"{report.seconds['remember']:,.0f} s, asked in {report.seconds['ask']:,.0f} s.\n",
        soft_wrap=True,
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"--plot: {path} cannot be written: {error.strerror}.") from error
