"""Runs a compiled model: onnxruntime and tokenizers, nothing else."""

import hashlib
import importlib.resources
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import anyio
import numpy as np

from ..errors import ModelError
from .manifest import MODEL, TOKENIZER, Manifest
from .passages import REACH, readable
from .protocol import Span, Vectors
from .runners import Runners, cores
from .runtime import Session, Tokenizer, open_session, open_tokenizer, run
from .splitting import split_all

__all__ = ["CompiledEmbedder", "shipped"]

T = TypeVar("T")


class CompiledEmbedder:
    """An embedder from a folder that `loci models compile` made.

    Each text runs on its own and on one thread, many texts on as many threads as there are cores:
    measured, padded batches and threads inside a run are both slower on a CPU under load.
    A document is at most `REACH` code points long, whatever its tokens; of a question no more are
    looked at.
    """

    def __init__(self, folder: Traversable | Path, *, threads: int | None = None) -> None:
        """Read the manifest, not the model. `threads` defaults to the number of cores.

        Raises:
            ModelError: `folder` is not a compiled model.
        """
        self.manifest = Manifest.read(folder)
        self._folder = folder
        self._runners = Runners(threads or cores())
        self._loading = anyio.Lock()
        self._model: _Model | None = None
        self._closed = False

    @property
    def identity(self) -> str:
        return self.manifest.identity

    @property
    def dimension(self) -> int:
        return self.manifest.dimension

    async def load(self) -> None:
        await self._loaded()

    async def split(self, texts: Sequence[str]) -> list[list[Span]]:
        model = await self._loaded()
        return await split_all(texts, model.offsets, model.room, self._runners)

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        model = await self._loaded()
        rows = await self._runners.each(model.document, texts)
        return np.array(rows, np.float32).reshape(len(texts), self.dimension)

    async def embed_query(self, text: str) -> Vectors:
        return await self.with_query(text, lambda vectors: vectors)

    async def with_query(self, text: str, work: Callable[[Vectors], T]) -> T:
        model = await self._loaded()
        return await self._runners.one(lambda: work(model.query(text)[np.newaxis]))

    async def aclose(self) -> None:
        self._closed = True
        self._model = None

    async def _loaded(self) -> "_Model":
        if self._closed:
            raise ModelError("The embedder was closed: open another one.")
        if self._model is None:
            async with self._loading:
                if self._model is None:
                    self._model = await self._runners.one(self._open)
        return self._model

    def _open(self) -> "_Model":
        with self._file(TOKENIZER, self.manifest.tokenizer_sha256) as path:
            tokenizer = open_tokenizer(path.read_text(encoding="utf-8"))
        with self._file(MODEL, self.manifest.model_sha256) as path:
            return _Model(self.manifest, open_session(path), tokenizer)

    @contextmanager
    def _file(self, name: str, sha256: str) -> Generator[Path]:
        """A checked file of the folder: 13 ms for 23 MB, cheap against a damaged model's vectors."""
        try:
            with (
                importlib.resources.as_file(self._folder.joinpath(name)) as path,
                path.open("rb") as content,
            ):
                if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
                    raise ModelError(f"{path} is damaged (its sha256 differs): install it again.")
                yield path
        except OSError as error:
            raise ModelError(
                f"{name} of {self._folder} cannot be read: install it again."
            ) from error


def shipped(*, threads: int | None = None) -> CompiledEmbedder:
    """The model that comes with Loci: all-MiniLM-L6-v2, quantized, 384 dimensions."""
    here = importlib.resources.files(__name__.rpartition(".")[0])
    return CompiledEmbedder(here.joinpath("minilm"), threads=threads)


@dataclass(frozen=True, slots=True)
class _Model:
    """A loaded model. Its methods block and may run on several threads at once."""

    manifest: Manifest
    session: Session
    tokenizer: Tokenizer

    @property
    def room(self) -> int:
        """Tokens that a document may have, beside its prompt and the special tokens."""
        prompt = len(self.offsets(self.manifest.document_prompt))
        return self.manifest.window - self.tokenizer.num_special_tokens_to_add(False) - prompt

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def document(self, text: str) -> Vectors:
        if len(text) > REACH:
            raise ModelError(f"A text of {len(text)} code points is too long: split it first.")
        ids = self.tokenizer.encode(readable(self.manifest.document_prompt + text)).ids
        if len(ids) > self.manifest.window:
            raise ModelError(
                f"A text of {len(ids)} tokens does not fit the window of"
                f" {self.manifest.window}: split it first."
            )
        return run(self.session, ids)

    def query(self, text: str) -> Vectors:
        prompted = readable(self.manifest.query_prompt + text[:REACH])
        encoding = self.tokenizer.encode(prompted, add_special_tokens=False)
        special = self.tokenizer.num_special_tokens_to_add(False)
        encoding.truncate(self.manifest.window - special)
        return run(self.session, self.tokenizer.post_process(encoding).ids)
