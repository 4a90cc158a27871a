"""Reading a question and a memory together: a cross-encoder, of the extra `sentence-transformers`.

A bi-encoder makes a vector of each alone; a cross-encoder sees both at once, and judges better, at the
price of one run of the model for each pair (Nogueira and Cho, "Passage Re-ranking with BERT", 2019).
"""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import anyio
import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..errors import ModelError
from .passages import REACH, readable

__all__ = ["CrossEncoderReranker", "Reranker"]


class Reranker(Protocol):
    """Judges memories by a question."""

    async def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """One for each text, shape (n,); higher is better. Raises ModelError."""
        ...

    async def aclose(self) -> None:
        """Give the model back."""
        ...


class _Library(Protocol):
    """A `sentence_transformers.CrossEncoder`."""

    def predict(
        self, inputs: list[tuple[str, str]], *, show_progress_bar: bool
    ) -> NDArray[Any]: ...


class CrossEncoderReranker:
    """A cross-encoder from a folder, which never touches the network, or from its name on the hub. It
    is loaded at the first question; one worker thread runs it. Texts are cut at the model's window."""

    def __init__(self, model: str, *, device: str | None = None) -> None:
        self._name = model
        self._device = device
        self._thread = anyio.CapacityLimiter(1)
        self._loading = anyio.Lock()
        self._model: _Library | None = None

    async def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        if not texts:
            return np.empty(0)
        async with self._loading:
            if self._model is None:
                self._model = await to_thread.run_sync(self._open, limiter=self._thread)
        asked = readable(question[:REACH])
        pairs = [(asked, readable(text[:REACH])) for text in texts]
        work = partial(self._model.predict, pairs, show_progress_bar=False)
        found = await to_thread.run_sync(work, limiter=self._thread)
        if found.shape != (len(pairs),):
            raise ModelError(f"{self._name} gives {found.shape[1:]} scores a pair: use a reranker.")
        return found.astype(np.float64)

    async def aclose(self) -> None:
        self._model = None

    def _open(self) -> _Library:
        try:
            library = cast("Any", import_module("sentence_transformers"))
        except ImportError as error:
            raise ModelError(
                "A reranker needs an extra: pip install 'loci[sentence-transformers]'"
            ) from error
        try:
            model = library.CrossEncoder(
                self._name, device=self._device, local_files_only=Path(self._name).is_dir()
            )
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"Cannot load the reranker {self._name}: {error}") from error
        return cast("_Library", model)
