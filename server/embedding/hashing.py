"""An embedder without a model, for tests: texts of like words and letters are near each other."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from ..errors import ModelError
from .passages import readable
from .protocol import Span, Vectors
from .runners import Runners
from .splitting import split_all

__all__ = ["HashEmbedder"]

T = TypeVar("T")

_WINDOW = 256
_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashEmbedder:
    """Signed feature hashing of lower-cased words and letter trigrams.

    The same on every machine. Source: Weinberger et al. 2009, "Feature Hashing for Large Scale
    Multitask Learning". A token is a word or a sign; 256 of them fit. Never chosen by itself.
    """

    def __init__(self, dimension: int = 64) -> None:
        self._dimension = dimension
        self._runners = Runners(1)

    @property
    def identity(self) -> str:
        return f"hash/words+trigrams/{self._dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension

    async def load(self) -> None:
        """Nothing to load."""

    async def split(self, texts: Sequence[str]) -> list[list[Span]]:
        return await split_all(texts, _offsets, _WINDOW, self._runners)

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if len(_offsets(text)) > _WINDOW:
                raise ModelError(f"A text has more than {_WINDOW} tokens: split it first.")
        rows = await self._runners.each(self._vector, texts)
        return np.array(rows, np.float32).reshape(len(texts), self._dimension)

    async def embed_query(self, text: str) -> Vectors:
        return await self.with_query(text, lambda vectors: vectors)

    async def with_query(self, text: str, work: Callable[[Vectors], T]) -> T:
        kept = _offsets(text)[:_WINDOW]
        cut = text[: kept[-1][1]] if kept else ""
        return await self._runners.one(lambda: work(self._vector(cut)[np.newaxis]))

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self._dimension, np.float32)
        for feature, weight in _features(readable(text).lower()):
            digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
            place = int.from_bytes(digest[:7], "big") % self._dimension
            vector[place] += weight if digest[7] & 1 else -weight
        length = float(np.linalg.norm(vector))
        if length == 0:  # features that cancel each other out
            vector[0] = length = 1.0
        return vector / np.float32(length)


def _offsets(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in _TOKEN.finditer(text)]


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Features and weights. An empty text has one of its own."""
    words = _TOKEN.findall(text) or [""]
    for word in words:
        yield f"word {word}", 1.0
        padded = f" {word} "
        for start in range(len(padded) - 2):
            yield f"part {padded[start : start + 3]}", 0.3
