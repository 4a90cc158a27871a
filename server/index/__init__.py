"""The vector index: ids and vectors, nothing else. It is derived, and can be thrown away.

Above stands retrieval, which feeds it from the ledger and never trusts it with what may be seen;
below stand the errors. It knows no tenants: each has an index of its own.

`ExactIndex` compares with everything. `ChromaIndex` asks a process of its own (`Worker`), in which
alone Chroma is imported: it crashes and stalls there.
"""

from .chroma import ChromaIndex, Folder, Remote, identity
from .exact import ExactIndex
from .generations import Draft, Generations, Shelves
from .protocol import Found, VectorIndex
from .worker import Worker

__all__ = [
    "ChromaIndex",
    "Draft",
    "ExactIndex",
    "Folder",
    "Found",
    "Generations",
    "Remote",
    "Shelves",
    "VectorIndex",
    "Worker",
    "identity",
]
