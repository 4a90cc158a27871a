"""The vector index: ids and vectors, nothing else. It is derived, and can be thrown away.

Above stands retrieval, which feeds it from the ledger and never trusts it with what may be seen;
below stand the errors. It knows no tenants: each has an index of its own.

In memory `ExactIndex` compares with everything, and `CodedIndex` with what short codes find. `ChromaIndex` asks a process of its own (`Worker`), in which
alone Chroma is imported: it crashes and stalls there.
"""

from .chroma import ChromaIndex, Folder, Remote, identity
from .coded import CodedIndex, coded_bytes
from .exact import ExactIndex
from .generations import Draft, Generations, Shelves
from .held import HeldIndex, Near, nearest_of
from .protocol import Found, VectorIndex
from .worker import Worker

__all__ = [
    "ChromaIndex",
    "CodedIndex",
    "Draft",
    "ExactIndex",
    "Folder",
    "Found",
    "Generations",
    "HeldIndex",
    "Near",
    "Remote",
    "Shelves",
    "VectorIndex",
    "Worker",
    "coded_bytes",
    "identity",
    "nearest_of",
]
