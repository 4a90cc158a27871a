"""`python -m tests.benchmarks.fitting DATA`: see the package."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loci.server import retrieval
from loci.server.cli.evaluation_data import corpora_in, read_corpus
from loci.server.embedding import shipped
from loci.server.retrieval.weights import SIGNALS, WEIGHTS

from . import logistic
from .ascent import ascend, by_question
from .collecting import Case, collect
from .judging import Gain, gain
from .leaving_out import figures_left_out, promises_left_out
from .measuring import Block
from .telling import calibrations, comparison, points

_FILE = Path(retrieval.__file__).with_name("weights.json")
_VERSION = 2


def main() -> None:
    """Fit, say what it is worth, and write it if asked to."""
    asked = _arguments()
    cases = _collected(asked.data, asked.keep)
    blocks = {name: Block.of(found) for name, found in cases.items()}
    on: list[str] = asked.on.split(",")
    seen = {name: blocks[name] for name in on}
    fitted, left_out = ascend(seen), figures_left_out(seen)
    _say(json.dumps(_named(SIGNALS, fitted)))
    for line in comparison(blocks, fitted, left_out):
        _say(line)
    gained = _gained(seen, left_out)
    chosen = fitted if gained.low > 0 else WEIGHTS
    _say(f"together: {points(gained)}; so the {_which(chosen)} weights")
    calibration = logistic.fit(
        logistic.Hits([one for mine in cases.values() for one in mine], chosen)
    )
    for line in calibrations(promises_left_out(cases, chosen)):
        _say(line)
    _say(json.dumps(_named(logistic.TERMS, calibration)))
    if asked.write:
        _write(chosen, calibration, on, list(cases))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fitting")
    parser.add_argument("data", type=Path, metavar="DATA", help="folder, as `loci eval` takes it")
    parser.add_argument("--keep", type=Path, help="keep the memories here, and take them from here")
    parser.add_argument(
        "--on",
        default="lifebench,locomo",
        help="corpora the weights are fitted on: those of several tenants; all are measured, and "
        "relevance is fitted on all",
    )
    parser.add_argument("--write", action="store_true", help=f"write {_FILE.name}")
    return parser.parse_args()


def _collected(data: Path, keep: Path | None) -> dict[str, list[Case]]:
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(keep) as folder:
        corpora = [read_corpus(*files) for files in corpora_in(data)]
        return {corpus.name: collect(corpus, Path(folder)) for corpus in corpora}


def _gained(blocks: Mapping[str, Block], left_out: Mapping[str, NDArray[np.float64]]) -> Gain:
    """Over the shipped weights, on tenants that the fit had not seen."""
    more = [
        (left_out[name] - by_question(block, WEIGHTS)).mean(axis=1)
        for name, block in blocks.items()
    ]
    tenants = [block.tenants for block in blocks.values()]
    return gain(np.concatenate(more), np.concatenate(tenants))


def _which(chosen: NDArray[np.float64]) -> str:
    return "shipped" if chosen is WEIGHTS else "fitted"


def _write(
    weights: NDArray[np.float64], calibration: NDArray[np.float64], on: list[str], all_: list[str]
) -> None:
    made = {
        "version": _VERSION,
        "command": "python -m tests.benchmarks.fitting DATA --write",
        "embedder": shipped().identity,
        "weights_on": on,
        "calibration_on": all_,
        "weights": _named(SIGNALS, weights),
        "calibration": _named(logistic.TERMS, calibration),
    }
    _FILE.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def _named(names: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(names, values.round(2).tolist(), strict=True))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
