"""What commands print: JSON for programs, text and tables for people, always in UTF-8."""

import io
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import LociError
from ..model.render import compact
from .exits import exit_of

__all__ = ["failing", "people", "plain", "print_json", "progress", "table", "use_utf8"]

_PIPED_WIDTH = 160
"""Columns where no terminal says how many it has."""


def use_utf8() -> None:
    """Speak UTF-8 whatever the locale says. What has no UTF-8 is shown escaped, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    stdin: object = sys.stdin
    if isinstance(stdin, io.TextIOWrapper):
        cast("io.TextIOWrapper[io.BufferedReader]", stdin).reconfigure(
            encoding="utf-8", errors="strict"
        )


def people(*, stderr: bool = False) -> Console:
    """Where to print for people. Texts of memories must go in escaped or as `Text`."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def print_json(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(compact(plain(value)) + "\n")


def plain(value: object) -> Any:
    """A value of the model as JSON knows it: times in ISO 8601, and nothing for None."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        pairs = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: plain(one) for name, one in pairs.items() if one is not None}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in cast("Sequence[object]", value)]
    return value


def table(*headings: str) -> Table:
    """A table without frames; the last column takes the room that is left."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings[:-1]:
        made.add_column(heading, no_wrap=True)
    made.add_column(headings[-1], overflow="fold", ratio=1)
    return made


@contextmanager
def progress(title: str, total: int | None) -> Generator[Progress]:
    """A bar on stderr, for terminals only. Advance its first task."""
    console = people(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        bar.add_task(title, total=total)
        yield bar


@contextmanager
def failing(*, as_json: bool = False) -> Generator[None]:
    """Show an expected failure on stderr and exit with its code."""
    try:
        yield
    except LociError as error:
        text = str(error)
        shown = compact({"error": type(error).__name__, "message": text}) if as_json else text
        sys.stderr.write(shown + "\n" if as_json else f"loci: {shown}\n")
        raise SystemExit(exit_of(error)) from None
