"""The typed face of onnxruntime and tokenizers.

Both are imported at the first load, not with this module: together 0.3 s of CPU.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .protocol import Vectors

__all__ = ["Session", "Tokenizer", "open_session", "open_tokenizer", "run"]


class Encoding(Protocol):
    """What a tokenizer makes of a text."""

    @property
    def ids(self) -> list[int]: ...
    @property
    def offsets(self) -> list[tuple[int, int]]: ...
    def truncate(self, max_length: int) -> None: ...


class Tokenizer(Protocol):
    """A `tokenizers.Tokenizer`. `encode` uses no threads of its own and holds the GIL."""

    def encode(self, sequence: str, *, add_special_tokens: bool = True) -> Encoding: ...
    def post_process(self, encoding: Encoding) -> Encoding: ...
    def num_special_tokens_to_add(self, is_pair: bool) -> int: ...


class Session(Protocol):
    """An `onnxruntime.InferenceSession`. Any number of threads may run it at once."""

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...


def open_session(model: Path) -> Session:
    """A session whose runs each use the calling thread and no other.

    From a file, not from bytes: that keeps 22 MB less of a model of 23 MB resident.

    Raises:
        ModelError: onnxruntime cannot use the model.
    """
    runtime = cast("Any", import_module("onnxruntime"))
    options = runtime.SessionOptions()
    # Two threads in a run do not make a short text faster (1.5 ms either way), take half as much
    # CPU again, and a second session for lone long texts (17 ms instead of 31) takes 29 MB.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: a warning would go to stderr
    try:
        session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except _failures() as error:
        raise ModelError(
            "onnxruntime cannot use the model: compile it again with the installed version"
            f" ({error})"
        ) from error
    return cast("Session", session)


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model it cannot use; they have no base of their own."""
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    names = ("Fail", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    return tuple(cast("type[Exception]", getattr(state, name)) for name in names)


def open_tokenizer(content: str) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, with neither padding nor truncation."""
    tokenizer = cast("Any", import_module("tokenizers")).Tokenizer.from_str(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return cast("Tokenizer", tokenizer)


def run(session: Session, ids: Sequence[int]) -> Vectors:
    """The vector of one text, shape (dimension,)."""
    row = np.array([ids], np.int64)
    return session.run(None, {"input_ids": row, "attention_mask": np.ones_like(row)})[0][0]
