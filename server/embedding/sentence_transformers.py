"""Any model of the sentence-transformers format, by PyTorch: the extra `sentence-transformers`."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from . import local_folder
from .passages import REACH, readable
from .protocol import Span, Vectors
from .runners import Runners
from .runtime import Tokenizer, open_tokenizer
from .source import choose_prompts
from .splitting import split_all

__all__ = ["SentenceTransformersEmbedder"]

T = TypeVar("T")

_BATCH = 16
"""Texts of one run: PyTorch gains from some, and a cancellation waits for them."""


class SentenceTransformersEmbedder:
    """An embedder from a model's folder, or from its name on the hub.

    A folder never touches the network. A name does when it is not in the hub's cache; its identity
    holds the revision as given: name one, or the model may change behind its identity.
    One worker thread runs the model. `truncate_dim` keeps that many dimensions (Matryoshka models).
    Prompts that are None are the model's own. Texts beyond `REACH` code points: as for
    `CompiledEmbedder`.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str | None = None,
        backend: str = "torch",
        truncate_dim: int | None = None,
        revision: str | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
    ) -> None:
        self._name = model
        self._device = device
        self._backend = backend
        self._truncate_dim = truncate_dim
        self._revision = revision
        self._prompts = (query_prompt, document_prompt)
        self._thread = anyio.CapacityLimiter(1)
        self._splitters = Runners(1)
        self._loading = anyio.Lock()
        self._model: _Model | None = None
        self._closed = False
        self._identity: str | None = None
        self._dimension: int | None = None

    @property
    def identity(self) -> str:
        """For a folder, a digest of its files; the first access reads them (0.5 s a gigabyte)."""
        if self._identity is None:
            self._identity = self._identify()
        return self._identity

    @property
    def dimension(self) -> int:
        """Read from a folder's configuration. Otherwise the first access loads the model, blocking.

        Raises:
            ModelError: the model had to be loaded, and could not be.
        """
        if self._dimension is None:
            self._dimension = self._measure()
        return self._dimension

    @property
    def _folder(self) -> Path | None:
        folder = Path(self._name)
        return folder if folder.is_dir() else None

    async def load(self) -> None:
        await self._loaded()

    async def split(self, texts: Sequence[str]) -> list[list[Span]]:
        model = await self._loaded()
        return await split_all(texts, model.offsets, model.room, self._splitters)

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        model = await self._loaded()
        rows = [np.empty((0, model.width), np.float32)]
        for start in range(0, len(texts), _BATCH):
            work = partial(model.documents, texts[start : start + _BATCH])
            rows.append(await anyio.to_thread.run_sync(work, limiter=self._thread))
        return np.concatenate(rows)

    async def embed_query(self, text: str) -> Vectors:
        return await self.with_query(text, lambda vectors: vectors)

    async def with_query(self, text: str, work: Callable[[Vectors], T]) -> T:
        model = await self._loaded()
        asked = anyio.to_thread.run_sync(lambda: work(model.query(text)), limiter=self._thread)
        return await asked

    async def aclose(self) -> None:
        self._closed = True
        self._model = None

    async def _loaded(self) -> "_Model":
        if self._closed:
            raise ModelError("The embedder was closed: open another one.")
        if self._model is None:
            async with self._loading:
                if self._model is None:
                    opened = anyio.to_thread.run_sync(self._open, limiter=self._thread)
                    self._model = await opened
        return self._model

    def _identify(self) -> str:
        folder = self._folder
        name = folder.resolve().name if folder else self._name
        weights = local_folder.digest(folder) if folder else self._revision or "main"
        how = repr((self._backend, self._truncate_dim, self._prompts))
        return f"{name}@{weights}/{hashlib.sha256(how.encode()).hexdigest()[:12]}"

    def _measure(self) -> int:
        width = local_folder.dimension(self._folder) if self._folder else None
        if width is not None:
            return min(width, self._truncate_dim or width)
        if self._model is None:
            self._model = self._open()
        return self._model.width

    def _open(self) -> "_Model":
        try:
            library = cast("Any", import_module("sentence_transformers"))
        except ImportError as error:
            raise ModelError(
                "This model needs an extra: pip install 'loci[sentence-transformers]'"
            ) from error
        try:
            model = library.SentenceTransformer(
                self._name,
                device=self._device,
                backend=self._backend,
                truncate_dim=self._truncate_dim,
                revision=self._revision,
                local_files_only=self._folder is not None,
            )
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"Cannot load the model {self._name}: {error}") from error
        return _Model.of(cast("_Library", model), self._prompts)


class _Library(Protocol):
    """A `sentence_transformers.SentenceTransformer`."""

    @property
    def prompts(self) -> dict[str, str]: ...
    @property
    def default_prompt_name(self) -> str | None: ...
    @property
    def max_seq_length(self) -> int | None: ...
    @property
    def tokenizer(self) -> object: ...
    def encode_query(
        self, inputs: list[str], *, prompt: str, show_progress_bar: bool
    ) -> NDArray[Any]: ...
    def encode_document(
        self, inputs: list[str], *, prompt: str, show_progress_bar: bool
    ) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class _Model:
    """A loaded model. Its methods block; all but `offsets` are for one thread at a time."""

    library: _Library
    tokenizer: Tokenizer
    query_prompt: str
    document_prompt: str
    window: int
    width: int

    @classmethod
    def of(cls, library: _Library, prompts: tuple[str | None, str | None]) -> "_Model":
        """Raises:
        ModelError: the model's tokenizer cannot say where its tokens are.
        """
        own = choose_prompts(library.prompts, library.default_prompt_name)
        query, document = (
            mine if given is None else given for given, mine in zip(prompts, own, strict=True)
        )
        return cls(
            library=library,
            tokenizer=_tokenizer(library.tokenizer),
            query_prompt=query,
            document_prompt=document,
            window=library.max_seq_length or REACH,
            width=library.encode_query(["a"], prompt="", show_progress_bar=False).shape[1],
        )

    @property
    def room(self) -> int:
        prompt = len(self.offsets(self.document_prompt))
        return self.window - self.tokenizer.num_special_tokens_to_add(False) - prompt

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def documents(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if len(text) > REACH:
                raise ModelError(f"A text of {len(text)} code points is too long: split it first.")
            tokens = len(self.tokenizer.encode(readable(self.document_prompt + text)).ids)
            if tokens > self.window:
                raise ModelError(
                    f"A text of {tokens} tokens does not fit the window of {self.window}:"
                    " split it first."
                )
        readables = [readable(text) for text in texts]
        return _normalised(
            self.library.encode_document(
                readables, prompt=self.document_prompt, show_progress_bar=False
            )
        )

    def query(self, text: str) -> Vectors:
        return _normalised(
            self.library.encode_query(
                [readable(text[:REACH])], prompt=self.query_prompt, show_progress_bar=False
            )
        )


def _tokenizer(own: object) -> Tokenizer:
    """A copy: the library changes the truncation of its own one at each call."""
    backend = cast("Any", getattr(own, "backend_tokenizer", own))
    if not hasattr(backend, "to_str"):
        raise ModelError("The model has only a slow tokenizer: save it with a fast one.")
    return open_tokenizer(backend.to_str())


def _normalised(rows: NDArray[Any]) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
