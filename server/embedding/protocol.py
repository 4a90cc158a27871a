"""What an embedder promises."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embedder", "Span", "Vectors"]

T = TypeVar("T")

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dimension), L2-normalised rows, so that a dot product is a cosine."""


class Span(NamedTuple):
    """A passage of a text, as code point offsets: `text[start:stop]`."""

    start: int
    stop: int


class Embedder(Protocol):
    """Text to vectors, by one model.

    An embedder is cheap to construct and loads its model at the first use, off the event loop.
    It may be used by many tasks at once, and must be closed by whoever opened it.
    """

    @property
    def identity(self) -> str:
        """Names the model, its weights and everything else that changes a vector.

        Known without loading the model. Vectors of two identities are never compared.
        """
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector. Known without loading the model."""
        ...

    async def load(self) -> None:
        """Load the model now instead of at the first use. Loading twice is a no-op.

        Raises:
            ModelError: the model is missing, damaged or needs an extra that is not installed.
        """
        ...

    async def split(self, texts: Sequence[str]) -> list[list[Span]]:
        """The passages of each text, none longer than the model's window.

        A text that fits is one passage. Passages cover all of the text's words, in order.
        """
        ...

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text. Texts are passages: what exceeds the window is an error.

        Raises:
            ModelError: as `load`, or a text that does not fit the window.
        """
        ...

    async def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (1, dimension). A question beyond the window is cut."""
        ...

    async def with_query(self, text: str, work: Callable[[Vectors], T]) -> T:
        """What `work` makes of the vector of a question, on the thread that made the vector: to wait for
        that and wake another costs as long as comparing thousands. It must not take long."""
        ...

    async def aclose(self) -> None:
        """Give the model and its threads back. Closing twice is a no-op."""
        ...
