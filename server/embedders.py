"""The models that the settings name: of the composition root (`app`), and of the commands that look at
a model without opening the store.

A model's libraries come with the first call: who only imports this waits for none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .settings import SENTENCE_TRANSFORMERS

if TYPE_CHECKING:
    from .embedding import Embedder, Reranker
    from .settings import Settings

__all__ = ["embedder_for", "reranker_for"]


def embedder_for(settings: Settings) -> Embedder:
    """The embedder that the settings name, not loaded yet. Reads files: call it in a thread.

    Raises:
        ModelError: there is no such model.
    """
    from .embedding import CompiledEmbedder, HashEmbedder, shipped

    name = settings.embedder
    if name == "minilm":
        return shipped(threads=settings.threads)
    if name == "hash":
        return HashEmbedder()
    if name.startswith(SENTENCE_TRANSFORMERS):
        return _sentence_transformers(settings)
    return CompiledEmbedder(Path(name), threads=settings.threads)


def reranker_for(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, not loaded yet."""
    from .embedding import CrossEncoderReranker

    if settings.reranker is None:
        return None
    return CrossEncoderReranker(settings.reranker, device=settings.device)


def _sentence_transformers(settings: Settings) -> Embedder:
    from .embedding import SentenceTransformersEmbedder

    embedder = SentenceTransformersEmbedder(
        settings.embedder.removeprefix(SENTENCE_TRANSFORMERS),
        device=settings.device,
        backend=settings.backend,
        truncate_dim=settings.truncate_dim,
        revision=settings.revision,
        query_prompt=settings.query_prompt,
        document_prompt=settings.document_prompt,
    )
    # Both read or load the model at their first use, which here blocks nobody.
    _ = embedder.identity, embedder.dimension
    return embedder
