"""A worker that misbehaves. Usage: index_child.py HOW NICENESS. It opens nothing.

Every question is answered with how many came before, unless it is a `delete`: that is answered
as HOW says.
"""

import ctypes
import os
import sys
import threading
from typing import BinaryIO

from loci.server.index.frames import (
    PREFIX,
    READY,
    Answer,
    Notice,
    answer_frame,
    from_question,
    lengths,
    pack,
    unpack,
)

SLOW = 0.5


def crash() -> None:
    ctypes.string_at(0)


def misbehave(how: str, number: int, answers: BinaryIO) -> None:
    whole = pack(answer_frame(number, Answer()))
    match how:
        case "crashes":
            crash()
        case "exits":
            sys.stderr.write("out of luck\n")
            sys.exit(3)
        case "stops half-way":
            os.write(answers.fileno(), whole[:-5])
            sys.exit(0)
        case "babbles":
            os.write(answers.fileno(), b"INFO: all is well\n" * 10)
        case "talks nonsense":
            os.write(answers.fileno(), whole.replace(b'"number"', b'"member"'))
        case _:
            return


def main(how: str) -> None:
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    if how == "never comes":
        questions.read()
    if how == "crashes at once":
        crash()
    if how == "comes late":
        threading.Event().wait(SLOW)
    answers.write(pack(answer_frame(READY, Notice(opening=False))))
    answers.flush()
    count = 0
    while prefix := questions.read(PREFIX):
        frame = unpack(*(questions.read(length) for length in lengths(prefix)))
        number, question = from_question(frame)
        if question.op == "delete":
            misbehave(how, number, answers)
            continue
        answers.write(pack(answer_frame(number, Answer(count=count))))
        answers.flush()
        count += 1


if __name__ == "__main__":
    main(sys.argv[1])
