"""Traits, taken in and out in any order, beside a list that is sorted each time it is asked."""

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from loci.server.retrieval.traits import NOBODY, Row, Traits

SESSIONS = ("monday", "tuesday", None)
SPEAKERS = ("ada", "bob", None)


@dataclass
class Naive:
    """The same, slowly."""

    rows: dict[int, Row]
    gone: set[int]

    def beside(self, seq: int) -> tuple[int | None, int | None]:
        row = self.rows[seq]
        if row.session is None or seq in self.gone:
            return None, None
        there = [
            r for r in self.rows.values() if r.session == row.session and r.seq not in self.gone
        ]
        order = [r.seq for r in sorted(there, key=lambda r: (r.at, r.seq))]
        place = order.index(seq)
        before = order[place - 1] if place else None
        return before, order[place + 1] if place + 1 < len(order) else None


entries = st.tuples(st.integers(1, 200), st.integers(0, 2), st.integers(0, 2), st.integers(0, 9))
batches = st.lists(st.tuples(st.lists(entries), st.booleans()), max_size=8)


@given(batches=batches, removed=st.lists(st.integers(1, 200), max_size=30))
def test_neighbours_are_those_of_the_session_in_time(
    batches: list[tuple[list[tuple[int, int, int, int]], bool]], removed: list[int]
) -> None:
    """What comes a second time has been restored, unless it is there."""
    traits, naive = Traits(), Naive({}, set())
    for place, (batch, current) in enumerate(batches):
        rows = {
            seq: Row(seq, SPEAKERS[speaker], SESSIONS[session], at, "Is it?" if at % 2 else "So.")
            for seq, speaker, session, at in batch
        }
        rows |= {seq: row for seq, row in naive.rows.items() if seq in rows}
        traits.add([rows[seq] for seq in traits.not_current(rows)], current=current)
        naive.gone = (
            naive.gone - rows.keys() if current else naive.gone | rows.keys() - naive.rows.keys()
        )
        naive.rows |= rows
        if place % 2:
            out = [seq for seq in removed[place :: len(batches)] if seq in naive.rows]
            traits.remove(out)
            naive.gone.update(out)
    check(traits, naive)


def check(traits: Traits, naive: Naive) -> None:
    assert len(traits) == len(naive.rows)
    assert traits.memories == len(naive.rows.keys() - naive.gone)
    seqs = np.array(sorted(naive.rows), np.int64)
    places = traits.places(seqs)
    assert (places == np.arange(len(seqs))).all()
    for seq, place in zip(seqs.tolist(), places.tolist(), strict=True):
        row = naive.rows[seq]
        assert traits.at[place] == row.at
        assert traits.signs[place] == (1 if row.at % 2 else 0)
        number = NOBODY if row.speaker is None else traits.speakers[row.speaker]
        assert traits.speaker[place] == number
        found = (traits.prev[place], traits.next[place])
        named = tuple(None if one < 0 else int(traits.seqs[one]) for one in found)
        assert named == naive.beside(seq)
    if naive.rows:
        times = [row.at for row in naive.rows.values()]
        assert traits.extent == (min(times), max(times))


def test_what_is_not_known_has_no_place() -> None:
    traits = Traits()
    assert traits.places(np.array([1, 2], np.int64)).tolist() == [-1, -1]
    traits.add([Row(5, None, None, 0, "")])
    assert traits.places(np.array([1, 5, 9], np.int64)).tolist() == [-1, 0, -1]
    assert traits.missing([9, 5, 1]) == [9, 1]
    traits.remove([7])
    assert traits.not_current([9, 5, 1]) == [9, 1]
    assert traits.beside(np.array([5, 7], np.int64)) == []
