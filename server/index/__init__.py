"""The vector index: ids and vectors, nothing else. It is derived, and can be thrown away.

Above stands retrieval, which feeds it from the ledger and never trusts it with what may be seen;
below stand the errors. It knows no tenants: each has an index of its own.
"""

from .exact import ExactIndex
from .protocol import Found, VectorIndex

__all__ = ["ExactIndex", "Found", "VectorIndex"]
