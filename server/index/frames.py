"""What the server and its index worker say to each other: frames of a small JSON header and two raw
arrays, little-endian. Nothing is ever unpickled.

    mark  b"LociIx01" | bytes of header | bytes of ids | bytes of vectors | header | ids | vectors

A header names the number of its question; answers come in any order.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .places import Address, Folder, Place, Remote

__all__ = [
    "PREFIX",
    "READY",
    "Answer",
    "Frame",
    "Garbled",
    "Notice",
    "Op",
    "Question",
    "Refusal",
    "answer_frame",
    "from_answer",
    "from_question",
    "lengths",
    "no_ids",
    "no_vectors",
    "pack",
    "question_frame",
    "unpack",
]

Op = Literal["create", "open", "search", "upsert", "delete", "holds", "count", "close", "drop"]
READY = 0
"""The number of the notice that the worker can be asked. Questions count from 1."""

_MARK = b"LociIx01"
_PREFIX = struct.Struct("<8sIII")
PREFIX = _PREFIX.size
"""Bytes that say how long the rest is."""
_LARGEST = 1 << 28
"""Bytes of the largest part. More is garbage, for which no memory shall be taken."""

T = TypeVar("T")


class Garbled(Exception):
    """What came is no frame: something else wrote to the pipe, or it was cut off."""


class Frame(NamedTuple):
    """A header and two arrays: ids of shape (n,), vectors or cosines of any shape."""

    header: Mapping[str, object]
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


def no_ids() -> NDArray[np.int64]:
    """No ids, shape (0,)."""
    return np.empty(0, np.int64)


def no_vectors() -> NDArray[np.float32]:
    """No vectors, shape (0,)."""
    return np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Question:
    """One operation on one index. `vectors` has shape (n, dimension)."""

    op: Op
    address: Address
    ids: NDArray[np.int64] = field(default_factory=no_ids)
    vectors: NDArray[np.float32] = field(default_factory=no_vectors)
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`count` for count and holds; for a search the results of all queries, one after the other, and
    how many each has."""

    count: int = 0
    ids: NDArray[np.int64] = field(default_factory=no_ids)
    cosines: NDArray[np.float32] = field(default_factory=no_vectors)
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The worker could not do it, and lives."""

    text: str
    damaged: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """The worker is ready, or has to open the index before it can answer, which takes longer."""

    opening: bool = True


Reply = Answer | Refusal | Notice


def pack(frame: Frame) -> bytes:
    """A frame's bytes. Raises ValueError if a part is too large."""
    header = {**frame.header, "shape": frame.vectors.shape}
    parts = (
        json.dumps(header).encode(),
        np.ascontiguousarray(frame.ids, "<i8").tobytes(),
        np.ascontiguousarray(frame.vectors, "<f4").tobytes(),
    )
    if max(map(len, parts)) > _LARGEST:
        raise ValueError("too many vectors for one question")
    return b"".join((_PREFIX.pack(_MARK, *map(len, parts)), *parts))


def lengths(prefix: bytes) -> tuple[int, int, int]:
    """Bytes of header, ids and vectors. Raises Garbled."""
    mark, *parts = cast("tuple[bytes, int, int, int]", _PREFIX.unpack(prefix))
    if mark != _MARK or max(parts) > _LARGEST:
        raise Garbled(f"unexpected bytes {prefix!r}")
    return parts[0], parts[1], parts[2]


def unpack(header: bytes, ids: bytes, vectors: bytes) -> Frame:
    """A frame of its three parts; the arrays cannot be written to. Raises Garbled."""

    def made() -> Frame:
        fields = cast("dict[str, object]", json.loads(header))
        shape = cast("list[int]", fields["shape"])
        return Frame(
            fields, np.frombuffer(ids, "<i8"), np.frombuffer(vectors, "<f4").reshape(shape)
        )

    return _sound(made)


def question_frame(number: int, question: Question) -> Frame:
    """A question with its number."""
    place = question.address.place
    header = {
        "number": number,
        "op": question.op,
        "place": [str(place.path)] if isinstance(place, Folder) else _words(place),
        "dimension": question.address.dimension,
        "limit": question.limit,
    }
    return Frame(header, question.ids, question.vectors)


def from_question(frame: Frame) -> tuple[int, Question]:
    """A question and its number. Raises Garbled."""

    def made() -> tuple[int, Question]:
        header = frame.header
        address = Address(
            _place(cast("list[str]", header["place"])),
            cast("int", header["dimension"]),
        )
        op, limit = cast("Op", header["op"]), cast("int", header["limit"])
        return cast("int", header["number"]), Question(op, address, *frame[1:], limit)

    return _sound(made)


def answer_frame(number: int, reply: Reply) -> Frame:
    """An answer, a refusal or a notice, with the number of its question."""
    match reply:
        case Answer():
            header = {"number": number, "count": reply.count, "lengths": reply.lengths}
            return Frame(header, reply.ids, reply.cosines)
        case Refusal():
            header = {"number": number, "refused": reply.text, "damaged": reply.damaged}
            return Frame(header, no_ids(), no_vectors())
        case Notice():
            header = {"number": number, "opening": reply.opening}
            return Frame(header, no_ids(), no_vectors())


def from_answer(frame: Frame) -> tuple[int, Reply]:
    """What `answer_frame` made a frame of. Raises Garbled."""

    def made() -> tuple[int, Reply]:
        header = frame.header
        number = cast("int", header["number"])
        if "refused" in header:
            return number, Refusal(str(header["refused"]), bool(header["damaged"]))
        if "opening" in header:
            return number, Notice(bool(header["opening"]))
        counts = tuple(cast("list[int]", header["lengths"]))
        return number, Answer(cast("int", header["count"]), *frame[1:], counts)

    return _sound(made)


def _words(place: Remote) -> list[str]:
    return [place.url, place.tenant, place.database, place.collection]


def _place(words: list[str]) -> Place:
    return Folder(Path(words[0])) if len(words) == 1 else Remote(*words)


def _sound(make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Garbled(f"a frame that cannot be read: {error}") from error
