"""Marks come out of any stream, however it is cut, and leave the rest as it was."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loci.server.shim.marks import Marks, mark

LINE = st.binary(max_size=40).map(lambda text: text.replace(b"\0", b"").replace(b"\n", b"") + b"\n")
MARK = st.tuples(st.integers(0, 10**15), st.integers(-1, 300_000))
PIECES = st.lists(st.one_of(LINE, MARK), max_size=12)


@given(PIECES, st.lists(st.integers(0, 700), max_size=30))
def test_any_stream_cut_anywhere_gives_back_its_lines_and_its_last_mark(
    pieces: list[bytes | tuple[int, int]], cuts: list[int]
) -> None:
    stream = b"".join(one if isinstance(one, bytes) else mark(*one) for one in pieces)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    marks, kept = Marks(), b""
    for start, end in pairwise(places):
        kept += marks.strip(stream[start:end])
    assert kept == b"".join(one for one in pieces if isinstance(one, bytes))
    told = [one for one in pieces if isinstance(one, tuple)]
    assert (marks.dealt_with, marks.opening) == (told[-1] if told else (0, 0))


@given(MARK, st.integers(1, 40), MARK)
def test_a_mark_that_a_daemon_did_not_end_is_none(
    first: tuple[int, int], cut: int, last: tuple[int, int]
) -> None:
    marks = Marks()
    text = mark(*first)
    assert marks.strip(b"line\n" + text[: min(cut, len(text) - 1)]) == b"line\n"
    marks.restart(7)
    assert (marks.dealt_with, marks.opening) == (7, 0)
    assert marks.strip(mark(*last) + b"more\n") == b"more\n"
    assert (marks.dealt_with, marks.opening) == last
