"""Chroma behind a small typed face: the only module that imports it, and late, for it takes a second."""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexDamaged, IndexFailed
from .frames import Answer
from .places import COLLECTION, HNSW, Address, Folder, Place, Remote

__all__ = ["Collection", "drop", "judged", "load", "opened"]

_SACRIFICE = "sacrifice"
"""No memory's id: those are numbers."""
_MOST = (1 << 31) - 1
"""The largest number of results that is asked for; Chroma's has 32 bits."""
_TOLD = ("space", "max_neighbors", "ef_construction", "ef_search", "sync_threshold")
"""What Chroma tells of a collection's parameters."""
_DAMAGED = re.compile(
    r"hnsw|Error finding id|Nothing found on disk|database disk image is malformed|not a database"
)
"""In what Chroma says when it cannot use files; anything else, such as a full disk, is not theirs."""


class _Items(Protocol):
    """What is used of chromadb.Collection."""

    @property
    def configuration_json(self) -> Mapping[str, object]: ...
    def count(self) -> int: ...
    def query(
        self, *, query_embeddings: NDArray[np.float32], n_results: int, include: list[str]
    ) -> Mapping[str, object]: ...
    def upsert(self, *, ids: list[str], embeddings: NDArray[np.float32]) -> None: ...
    def delete(self, *, ids: list[str]) -> object: ...
    def get(self, *, ids: list[str], include: list[str]) -> Mapping[str, object]: ...


class _Client(Protocol):
    """What is used of chromadb.ClientAPI."""

    def get_collection(self, name: str, *, embedding_function: None) -> _Items: ...
    def create_collection(
        self, name: str, *, configuration: Mapping[str, object], embedding_function: None
    ) -> _Items: ...
    def delete_collection(self, name: str) -> None: ...
    def count_collections(self) -> int: ...
    def close(self) -> None: ...


class _Admin(Protocol):
    """What is used of chromadb.AdminAPI."""

    def create_tenant(self, name: str) -> None: ...
    def get_tenant(self, name: str) -> object: ...
    def create_database(self, name: str, tenant: str) -> None: ...
    def get_database(self, name: str, tenant: str) -> object: ...


class _Errors(Protocol):
    """What is used of chromadb.errors."""

    ChromaError: type[Exception]
    NotFoundError: type[Exception]
    InvalidArgumentError: type[Exception]


class _Chroma(Protocol):
    """What is used of chromadb."""

    errors: _Errors
    Settings: Callable[..., object]
    PersistentClient: Callable[..., _Client]
    HttpClient: Callable[..., _Client]
    AdminClient: Callable[[object], _Admin]


class Collection:
    """One open collection. Searches may run side by side; changes come from one thread."""

    __slots__ = ("_client", "_dimension", "_items", "_prepared")

    def __init__(self, client: _Client, items: _Items, dimension: int) -> None:
        self._client = client
        self._items = items
        self._dimension = dimension
        self._prepared = False

    def search(self, queries: NDArray[np.float32], limit: int) -> Answer:
        """Up to `limit` results for each query, in any order."""
        if limit < 1 or not len(queries):
            return Answer(lengths=(0,) * len(queries))
        found = self._items.query(
            query_embeddings=queries, n_results=min(limit, _MOST), include=["distances"]
        )
        ids = cast("list[list[str]]", found["ids"])
        distances = cast("list[list[float]]", found["distances"])
        return _answer(ids, distances)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add or replace vectors; each id once."""
        self.prepare()
        if len(ids):
            self._items.upsert(ids=_names(ids), embeddings=vectors)

    def delete(self, ids: NDArray[np.int64]) -> None:
        """Remove vectors; ids that are not there are passed over."""
        self.prepare()
        if len(ids):
            self._items.delete(ids=_names(ids))

    def holds(self, ids: NDArray[np.int64]) -> int:
        """How many of the ids are there."""
        if not len(ids):
            return 0
        return len(cast("list[str]", self._items.get(ids=_names(ids), include=[])["ids"]))

    def count(self) -> int:
        """How many vectors it holds."""
        return self._items.count()

    def close(self) -> None:
        """Close its files."""
        self._client.close()

    def check(self) -> None:
        """Load the graph. Raises IndexDamaged if it is another than expected."""
        hnsw = cast("Mapping[str, object]", self._items.configuration_json.get("hnsw") or {})
        if any(hnsw.get(name) != getattr(HNSW, name) for name in _TOLD):
            raise IndexDamaged("the index was built with other parameters")
        try:
            self._items.query(query_embeddings=self._axis(), n_results=1, include=[])
        except load().errors.InvalidArgumentError as error:
            raise IndexDamaged(f"the index is of another kind: {error}") from error

    def prepare(self) -> None:
        """Before the first change. What is written first after the graph was read may never be found:
        Chroma applies its unsaved rows again beside it. So that is a row that nobody misses."""
        if self._prepared:
            return
        self._items.count()
        self._items.upsert(ids=[_SACRIFICE], embeddings=self._axis())
        self._items.delete(ids=[_SACRIFICE])
        self._prepared = True

    def _axis(self) -> NDArray[np.float32]:
        return np.eye(1, self._dimension, dtype=np.float32)


def load() -> _Chroma:
    """Chroma, imported. The first call takes about a second."""
    import chromadb

    return cast("_Chroma", cast("object", chromadb))


@contextmanager
def judged(place: Place) -> Generator[None]:
    """Chroma's errors as what they are. Raises IndexDamaged and IndexFailed."""
    errors = load().errors
    try:
        yield
    except errors.NotFoundError as error:
        raise IndexDamaged("the collection is missing") from error
    except errors.ChromaError as error:
        if isinstance(place, Folder) and _DAMAGED.search(str(error)):
            raise IndexDamaged(f"Chroma cannot use the index: {error}") from error
        raise IndexFailed(f"Chroma refuses: {error}") from error


def opened(address: Address, create: bool) -> Collection:
    """The collection at an address; `create` makes it if it is missing. Raises IndexDamaged if it is
    missing otherwise, or another than expected, and Chroma's errors (`judged`)."""
    client = _client(address.place, create=create)
    try:
        items, new = _items(client, address.place, create=create)
        collection = Collection(client, items, address.dimension)
        if new:
            collection.prepare()
        collection.check()
    except BaseException:
        client.close()
        raise
    return collection


def drop(place: Remote) -> None:
    """Delete a collection; one that is missing is passed over. Raises IndexFailed."""
    errors = load().errors
    try:
        client = _remote(place)
    except errors.NotFoundError:
        return
    try:
        client.delete_collection(place.collection)
    except errors.NotFoundError:
        return
    finally:
        client.close()


def _items(client: _Client, place: Place, *, create: bool) -> tuple[_Items, bool]:
    name = COLLECTION if isinstance(place, Folder) else place.collection
    try:
        items = client.get_collection(name, embedding_function=None)
    except load().errors.NotFoundError:
        if not create:
            raise
    else:
        if isinstance(place, Folder) and client.count_collections() != 1:
            raise IndexDamaged("the index holds collections of others")
        return items, False
    configuration = {"hnsw": asdict(HNSW)}
    return client.create_collection(
        name, configuration=configuration, embedding_function=None
    ), True


def _client(place: Place, *, create: bool) -> _Client:
    if isinstance(place, Folder):
        return _persistent(place, create=create)
    try:
        return _remote(place)
    except load().errors.NotFoundError:
        if not create:
            raise
    _make_room(place)
    return _remote(place)


def _persistent(place: Folder, *, create: bool) -> _Client:
    if create:
        place.path.mkdir(parents=True, exist_ok=True)
    elif not (place.path / "chroma.sqlite3").is_file():
        # Chroma would make an empty one in its place.
        raise IndexDamaged("the index's files are missing")
    chroma = load()
    settings = chroma.Settings(anonymized_telemetry=False)
    return chroma.PersistentClient(path=str(place.path), settings=settings)


def _remote(place: Remote) -> _Client:
    chroma = load()
    return chroma.HttpClient(
        host=place.url,
        settings=chroma.Settings(anonymized_telemetry=False),
        tenant=place.tenant,
        database=place.database,
    )


def _make_room(place: Remote) -> None:
    """Make tenant and database unless they are there."""
    error, admin = load().errors.ChromaError, _admin(place.url)
    # Chroma has no error of its own for what exists already.
    try:
        admin.create_tenant(place.tenant)
    except error:
        admin.get_tenant(place.tenant)
    try:
        admin.create_database(place.database, place.tenant)
    except error:
        admin.get_database(place.database, place.tenant)


@cache
def _admin(url: str) -> _Admin:
    """One for each server: it cannot be closed."""
    chroma = load()
    return chroma.AdminClient(
        chroma.Settings(
            anonymized_telemetry=False,
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=url,
            # Required, and overruled by the address.
            chroma_server_http_port=8000,
        )
    )


def _names(ids: NDArray[np.int64]) -> list[str]:
    return [str(one) for one in ids.tolist()]


def _answer(ids: list[list[str]], distances: list[list[float]]) -> Answer:
    kept = [
        [(int(one), 1 - far) for one, far in zip(*row, strict=True) if one != _SACRIFICE]
        for row in zip(ids, distances, strict=True)
    ]
    return Answer(
        ids=np.array([one for row in kept for one, _ in row], np.int64),
        cosines=np.array([cosine for row in kept for _, cosine in row], np.float32),
        lengths=tuple(map(len, kept)),
    )
