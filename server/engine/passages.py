"""Texts to passages with vectors. No text is embedded twice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..embedding import Embedder, Span
from ..errors import InvalidInput
from ..ledger import MAX_PASSAGES, NewPassage, TenantLedger
from ..model import passage_key

__all__ = ["make_passages"]


async def make_passages(
    ledger: TenantLedger, embedder: Embedder, contents: Sequence[str]
) -> list[list[NewPassage]]:
    """The passages of each text.

    Raises:
        InvalidInput: a text has more passages than a memory can.
        ModelError: the model fails.
    """
    spans = await embedder.split(contents)
    if any(len(found) > MAX_PASSAGES for found in spans):
        raise InvalidInput("content: it is too long for one memory; split it.")
    texts = {
        passage_key(text): text
        for content, found in zip(contents, spans, strict=True)
        for text in (content[span.start : span.stop] for span in found)
    }
    vectors = await _vectors(ledger, embedder, texts)
    return [
        [_passage(content, span, vectors) for span in found]
        for content, found in zip(contents, spans, strict=True)
    ]


async def _vectors(
    ledger: TenantLedger, embedder: Embedder, texts: dict[bytes, str]
) -> dict[bytes, NDArray[np.float32]]:
    known = await ledger.known_vectors(list(texts))
    found = {key: np.frombuffer(packed, "<f2").astype(np.float32) for key, packed in known.items()}
    fresh = [key for key in texts if key not in found]
    if fresh:
        made = await embedder.embed_documents([texts[key] for key in fresh])
        found.update(zip(fresh, made, strict=True))
    return found


def _passage(content: str, span: Span, vectors: dict[bytes, NDArray[np.float32]]) -> NewPassage:
    key = passage_key(content[span.start : span.stop])
    return NewPassage(span.start, span.stop, key, vectors[key])
