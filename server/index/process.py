"""The index worker: a process of its own, so that Chroma's crashes and stalls are not the server's.

`python -m loci.server.index.process NICENESS`: questions on standard input, answers on standard
output. One thread reads, a few search, one writes. It ends when its input does.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import BinaryIO

from ..errors import IndexDamaged, LociError
from .collections import Collection, drop, judged, load, opened
from .confines import blank_memory, confine, descriptors
from .frames import (
    PREFIX,
    READY,
    Answer,
    Notice,
    Op,
    Question,
    Refusal,
    Reply,
    answer_frame,
    from_question,
    lengths,
    pack,
    unpack,
)
from .places import Address, Folder, Place, Remote
from .shelf import Shelf

__all__ = ["main"]

_SEARCHERS = max(2, min(4, os.cpu_count() or 1))
_BASE, _EACH, _MOST = 48, 12, 16
"""Descriptors of the process and of an open collection; open collections at most."""
_WRITING: tuple[Op, ...] = ("create", "upsert", "delete", "close", "drop")
_ENDING: tuple[Op, ...] = ("close", "drop")
"""They wait for what was asked before them."""


class _Worker:
    """Reads questions and has threads answer them."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO, bound: int) -> None:
        self._questions = questions
        self._answers = answers
        self._answering = threading.Lock()
        self._shelf = Shelf(_open, bound)
        self._searchers = ThreadPoolExecutor(_SEARCHERS, "search")
        self._writer = ThreadPoolExecutor(1, "write")

    def run(self) -> None:
        """Until the input ends."""
        loading: Future[object] = self._writer.submit(load)
        loading.add_done_callback(self._loaded)
        while prefix := self._questions.read(PREFIX):
            parts = [self._questions.read(length) for length in lengths(prefix)]
            self._take(*from_question(unpack(*parts)))

    def _loaded(self, loading: "Future[object]") -> None:
        error = loading.exception()
        if error is not None:
            _give_up(error)
        self._say(READY, Notice(opening=False))

    def _take(self, number: int, question: Question) -> None:
        place = question.address.place
        if question.op not in _ENDING:
            self._shelf.announce(place)
        pool = self._writer if question.op in _WRITING else self._searchers
        work = pool.submit(self._work, number, question)
        work.add_done_callback(partial(self._answer, number, question.op, place))

    def _answer(self, number: int, op: Op, place: Place, work: "Future[Answer]") -> None:
        if op not in _ENDING:
            self._shelf.done(place)
        error = work.exception()
        if error is None:
            self._say(number, work.result())
        elif isinstance(error, Exception):
            text = (
                str(error) if isinstance(error, LociError) else f"{type(error).__name__}: {error}"
            )
            self._say(number, Refusal(text, isinstance(error, IndexDamaged)))
        else:
            # A panic of Rust is no Exception, and leaves its locks poisoned.
            _give_up(error)

    def _say(self, number: int, reply: Reply) -> None:
        frame = pack(answer_frame(number, reply))
        with self._answering:
            self._answers.write(frame)
            self._answers.flush()

    def _work(self, number: int, question: Question) -> Answer:
        place = question.address.place
        with judged(place):
            if question.op in _ENDING:
                return self._end(place, drop_too=question.op == "drop")
            return self._done(number, question)

    def _done(self, number: int, question: Question) -> Answer:
        address = question.address
        opening = partial(self._opening, number, question.op)
        create = question.op == "create"
        with self._shelf.lent(address, opening, create=create) as collection:
            return _OPS[question.op](collection, question)

    def _opening(self, number: int, op: Op) -> None:
        if op not in ("create", "open"):
            self._say(number, Notice())

    def _end(self, place: Place, *, drop_too: bool) -> Answer:
        self._shelf.close(place)
        if drop_too and isinstance(place, Remote):
            drop(place)
        return Answer()


def _open(address: Address, create: bool) -> Collection:
    with blank_memory() if _is_new(address.place) else nullcontext():
        return opened(address, create)


def _is_new(place: Place) -> bool:
    """Whether Chroma has saved no graph there yet: then it begins a file with room for a hundred
    vectors, whatever is in the memory that it took for them, erased ones too."""
    return isinstance(place, Folder) and not any(place.path.glob("*/index_metadata.pickle"))


def _opened(collection: Collection, _question: Question) -> Answer:
    return Answer(count=collection.count())


def _search(collection: Collection, question: Question) -> Answer:
    return collection.search(question.vectors, question.limit)


def _upsert(collection: Collection, question: Question) -> Answer:
    collection.upsert(question.ids, question.vectors)
    return Answer()


def _delete(collection: Collection, question: Question) -> Answer:
    collection.delete(question.ids)
    return Answer()


def _holds(collection: Collection, question: Question) -> Answer:
    return Answer(count=collection.holds(question.ids))


_OPS: dict[Op, Callable[[Collection, Question], Answer]] = {
    "create": _opened,
    "open": _opened,
    "count": _opened,
    "search": _search,
    "upsert": _upsert,
    "delete": _delete,
    "holds": _holds,
}


def _give_up(error: BaseException) -> None:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    sys.stderr.flush()
    os._exit(1)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the server, moved away from where anything else could write: what is printed goes
    to standard error."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


def main() -> None:
    """Answer until standard input ends. Then nothing is waited for: what is being written is thrown
    away by whoever asked for it."""
    questions, answers = _pipes()
    faulthandler.enable()
    os.umask(0o077)
    confine(int(sys.argv[1]))
    bound = min(_MOST, max(1, (descriptors() - _BASE) // _EACH))
    _Worker(questions, answers, bound).run()
    os._exit(0)


if __name__ == "__main__":
    main()
