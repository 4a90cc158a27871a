"""Where an index is and how it is built: values that both processes share."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["COLLECTION", "HNSW", "Address", "Folder", "Graph", "Place", "Remote", "identity"]

COLLECTION = "memories"
"""The one collection of a folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory of Chroma's PersistentClient with exactly one collection, `memories`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Remote:
    """A collection of a `chroma run`, such as `http://127.0.0.1:8000`."""

    url: str
    tenant: str
    database: str
    collection: str


Place = Folder | Remote


@dataclass(frozen=True, slots=True)
class Address:
    """What each question names, so that the worker can open it again at any time."""

    place: Place
    dimension: int


@dataclass(frozen=True, slots=True)
class Graph:
    """Parameters of HNSW as Chroma names them."""

    space: str
    max_neighbors: int
    ef_construction: int
    ef_search: int
    sync_threshold: int
    """Writes between two saves of the graph; each save is a moment in which a kill damages it."""
    batch_size: int


HNSW = Graph(
    space="cosine",
    max_neighbors=32,
    ef_construction=100,
    ef_search=200,
    sync_threshold=1000,
    batch_size=100,
)


def identity(dimension: int) -> str:
    """What must be the same for an index to be opened again: the program that wrote it, the size of
    its vectors, the parameters of its graph."""
    return f"chromadb {_version()}, dimension {dimension}, {HNSW}"


@cache
def _version() -> str:
    return version("chromadb")
