"""A tenant's memories in a data directory of their own, for `loci eval`.

They are remembered in the corpus's order, one call after another: how close calls are stored is not
promised, and a ranking may look at a memory's neighbours. Rows in succession that differ in nothing
but their text go together, 100 at the most. What `remember` has arguments for is passed: speaker,
session, ts as `at`, tags, aliases as `entities`, pinned, resolved_at as `valid_until`, scope as
`namespace` (of several the narrowest that holds all; `a:b` is the path `a/b`), role as metadata, and
`supersedes` where `superseded_by` says so. A row without ts counts as said now.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby, islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import Progress

from ..errors import InvalidInput, LociError
from .demo_server import DemoServer
from .evaluation_data import Row
from .evaluation_server import serving
from .loop import run_loop

__all__ = ["Filled", "filled", "namespace_of"]

_AT_ONCE = 100


class Filled(NamedTuple):
    """A data directory that holds a tenant's rows."""

    home: Path
    ids: Mapping[str, str]
    """Memories' ids by those of the corpus. Exact repeats are one memory."""
    pinned: frozenset[str]
    """Those of the memories that are pinned."""


def filled(folder: Path, rows: Sequence[Row], bar: Progress) -> Filled:
    """A data directory below `folder` that holds the rows.

    One that was filled with the same rows, by the same version and with the same LOCI_* variables,
    serves again. What was not filled to the end is filled anew. Advances the bar's first task by
    each row.

    Raises:
        LociError: the server refuses a row, or does not answer.
    """
    home = folder / _digest(rows)
    kept = home.with_suffix(".json")
    if kept.exists():
        bar.advance(bar.task_ids[0], len(rows))
        return _filled(home, rows, json.loads(kept.read_text(encoding="utf-8")))
    if home.exists():
        shutil.rmtree(home)
    ids = run_loop(_fill, home, rows, bar)
    unfinished = kept.with_suffix(".part")
    unfinished.write_text(json.dumps(ids), encoding="utf-8")
    unfinished.replace(kept)
    return _filled(home, rows, ids)


def namespace_of(scopes: Sequence[str] | None) -> str:
    """The narrowest namespace that holds all the scopes; empty is everything."""
    paths = [scope.replace(":", "/").split("/") for scope in scopes or ()]
    same = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return "/".join(level[0] for level in same)


def _filled(home: Path, rows: Sequence[Row], ids: Mapping[str, str]) -> Filled:
    return Filled(home, ids, frozenset(ids[row.id] for row in rows if row.more.pinned))


def _digest(rows: Sequence[Row]) -> str:
    """Of the rows and of all that may decide how they are kept."""
    made = hashlib.sha256()
    settings = sorted(one for one in os.environ.items() if one[0].startswith("LOCI_"))
    made.update(json.dumps([version(__name__.partition(".")[0]), settings]).encode())
    for row in rows:
        made.update(row.model_dump_json().encode() + b"\n")
    return made.hexdigest()[:32]


async def _fill(home: Path, rows: Sequence[Row], bar: Progress) -> dict[str, str]:
    ids: dict[str, str] = {}
    olds: dict[str, list[str]] = {}
    for row in rows:
        if row.more.superseded_by is not None:
            olds.setdefault(row.more.superseded_by, []).append(row.id)
    async with serving(home) as server:
        for batch in _batches(rows, olds):
            replaced = sorted({ids[old] for old in olds.get(batch[0].id, ())})
            answered = await _remember(server, batch, replaced)
            ids |= zip((row.id for row in batch), answered, strict=True)
            bar.advance(bar.task_ids[0], len(batch))
    return ids


async def _remember(server: DemoServer, batch: Sequence[Row], replaced: list[str]) -> list[str]:
    given = _arguments(batch[0]) | ({"supersedes": replaced} if replaced else {})
    try:
        answer = await server.call("remember", content=[row.text for row in batch], **given)
    except LociError as error:
        named = f"{batch[0].id!r} to {batch[-1].id!r}" if batch[1:] else f"{batch[0].id!r}"
        raise InvalidInput(f"{named} of {batch[0].tenant!r}: {error}") from error
    return [str(one["id"]) for one in answer["memories"]]


def _batches(rows: Iterable[Row], olds: Mapping[str, object]) -> Iterator[list[Row]]:
    """Runs of rows with the same arguments; one that supersedes others comes alone."""

    def alike(row: Row) -> tuple[str, str]:
        return json.dumps(_arguments(row)), row.id if row.id in olds else ""

    for _, run in groupby(rows, alike):
        while batch := list(islice(run, _AT_ONCE)):
            yield batch


def _arguments(row: Row) -> dict[str, Any]:
    """Of `remember`, without the text; what is empty is left out."""
    given = {
        "speaker": row.speaker,
        "session": row.session,
        "at": row.ts,
        "tags": row.more.tags,
        "entities": row.more.aliases,
        "pinned": row.more.pinned,
        "valid_until": row.more.resolved_at,
        "namespace": namespace_of(row.more.scope),
        "metadata": {"role": row.role} if row.role else None,
    }
    known = {name: value for name, value in given.items() if value}
    return {"kind": "episodic", "source": "import", **known}
