"""Text to vectors: the compiled default, sentence-transformers, and a hash for tests.

Above stand the engine and retrieval, which see only the `Embedder` protocol; below stand the model
values and the errors. Nothing here knows of tenants, tables or the index. Importing this room loads
no model library: each comes with the first load of a model that needs it.
"""

from .compile import compile_model
from .compiled import CompiledEmbedder, shipped
from .hashing import HashEmbedder
from .manifest import Manifest
from .protocol import Embedder, Span, Vectors
from .reranker import CrossEncoderReranker, Reranker
from .sentence_transformers import SentenceTransformersEmbedder

__all__ = [
    "CompiledEmbedder",
    "CrossEncoderReranker",
    "Embedder",
    "HashEmbedder",
    "Manifest",
    "Reranker",
    "SentenceTransformersEmbedder",
    "Span",
    "Vectors",
    "compile_model",
    "shipped",
]
