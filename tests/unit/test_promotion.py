"""Promotion's signals and its decisions, as functions of the evidence."""

from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from support.engines import START

from loci.server.model import SIGNALS, Note, NoteOutcome, Policy, Section
from loci.server.workspace.promotion import Evidence, Known, decide
from loci.server.workspace.promotion_signals import (
    novelty,
    outcomes,
    salience,
    saturated,
    specifics,
    uses,
)

KEEP_ALL = Policy(threshold=0.0)


def a_note(place: int, content: str = "", **more: object) -> Note:
    note = Note(
        id=f"n{place:012}",
        section=Section.OBSERVATION,
        content=content or f"note {place}",
        namespace="",
        agent=None,
        importance=None,
        outcome=None,
        at=START,
        uses=0,
        memory=None,
        decision=None,
    )
    return replace(note, **more)


def evidence(
    notes: Sequence[Note],
    *,
    alike: Sequence[tuple[int, int]] = (),
    known: dict[int, Known] | None = None,
) -> Evidence:
    """Notes are near themselves, and those that are said to be alike; what is known is near one."""
    cosines = np.eye(len(notes), dtype=np.float32)
    for one, other in alike:
        cosines[one, other] = cosines[other, one] = 0.9
    found = [[known[place]] if known and place in known else [] for place in range(len(notes))]
    return Evidence(notes=notes, cosines=cosines, known=found, near_from=0.8)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The port is 9090.", {"9090"}),
        ("Mara's build of loci_core 1.2.3 fails.", {"loci_core", "1.2.3"}),
        ("We asked Mara. Then she left Oslo's docks.", {"mara", "oslo"}),
        ("It doesn't work, never did", {"doesn't", "never"}),
        ("see src/app.py and useState", {"src/app.py", "usestate"}),
        ("plain words in a plain sentence", set[str]()),
    ],
)
def test_specifics_are_what_cannot_be_paraphrased(text: str, found: set[str]) -> None:
    assert specifics(text) == found


def test_what_is_near_and_says_another_number_is_new() -> None:
    old, new = specifics("the port is 8080"), specifics("the port is 9090")
    assert novelty(new, old, 0.95) == 1
    assert novelty(new, new, 0.95) == pytest.approx(0.05)
    assert novelty(frozenset(), old, 0.5) == 0.5
    assert novelty(frozenset(), old, 1.2) == 0


def test_importance_stands_for_salience_where_it_is_given() -> None:
    plain, weighty = a_note(0, "some words"), a_note(1, "Decided: must use 9090")
    assert salience(plain, specifics(plain.content)) == 0
    assert salience(weighty, specifics(weighty.content)) == pytest.approx(1 - 0.5**1.25)
    assert salience(replace(plain, importance=0.9), frozenset()) == 0.9


def test_use_counts_reads_and_twice_what_names_the_note() -> None:
    first = a_note(0, uses=1)
    notes = [
        first,
        a_note(1, f"as {first.id} says, {first.id}"),
        a_note(2, "n000000000009 is none"),
    ]
    assert uses(notes) == [saturated(3), 0, 0]


def test_an_outcome_reaches_back_to_the_one_before() -> None:
    notes = [
        a_note(0),
        a_note(1, outcome=NoteOutcome.FAILURE),
        a_note(2),
        a_note(3, outcome=NoteOutcome.SUCCESS),
        a_note(4),
    ]
    assert outcomes(notes) == [0, 0, 1, 1, 0.5]


def test_of_several_that_say_the_same_one_is_promoted_for_all() -> None:
    notes = [a_note(0, "tea is ready"), a_note(1, "the tea is ready"), a_note(2, "rain")]
    found = decide(evidence(notes, alike=[(0, 1)]), KEEP_ALL, (), "asked")
    first, second, third = (found[note.id] for note in notes)
    # The newest of them, as both score the same.
    assert (second.verdict, third.verdict) == ("promoted", "promoted")
    assert (first.verdict, first.reason, first.near) == ("left", "says nothing new", notes[1].id)
    assert second.scores["recurrence"] == 0.5
    assert third.scores["recurrence"] == 0


def test_what_is_known_is_left_and_what_corrects_it_is_not() -> None:
    notes = [a_note(0, "it runs on port 8080"), a_note(1, "it runs on port 9090")]
    known = Known("m1", "It runs on port 8080", 0.97)
    found = decide(evidence(notes, known={0: known, 1: known}), KEEP_ALL, (), "asked")
    assert found[notes[0].id].near == "m1"
    assert found[notes[0].id].verdict == "left"
    assert found[notes[1].id].verdict == "promoted"


def test_what_is_asked_for_is_promoted_whatever_its_score() -> None:
    notes = [a_note(0), a_note(1)]
    known = Known("m1", "note 0", 1.0)
    found = decide(evidence(notes, known={0: known}), Policy(threshold=1), [notes[0].id], "asked")
    assert (found[notes[0].id].verdict, found[notes[0].id].reason) == ("promoted", "asked for")
    assert found[notes[1].id].verdict == "left"


def test_the_reason_names_the_score_the_threshold_and_what_counted() -> None:
    policy = Policy(weights=dict.fromkeys(SIGNALS, 0.0) | {"novelty": 1.0, "use": 1.0})
    kept = decide(evidence([a_note(0, uses=9)]), policy, (), "asked")
    left = decide(evidence([a_note(0)]), replace(policy, threshold=0.6), (), "asked")
    assert [one.reason for one in kept.values()] == ["0.95 ≥ 0.50: novelty and use"]
    assert [one.reason for one in left.values()] == ["0.50 < 0.60: too little use and novelty"]


numbers = st.floats(0, 1)
weights = st.fixed_dictionaries(dict.fromkeys(SIGNALS, numbers)).filter(
    lambda found: sum(found.values()) > 0.01
)
pads = st.lists(
    st.tuples(
        st.sampled_from(["tea", "Port 8080", "port 9090 for Mara", "because it works", "x_1"]),
        st.integers(0, 5),
        st.none() | numbers,
        st.none() | st.sampled_from(NoteOutcome),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(pads, weights, numbers, st.data())
def test_decisions_are_complete_bounded_and_the_threshold_is_kept(
    pad: list[tuple[str, int, float | None, NoteOutcome | None]],
    weights: dict[str, float],
    threshold: float,
    data: st.DataObject,
) -> None:
    notes = [
        a_note(place, content, uses=count, importance=importance, outcome=outcome)
        for place, (content, count, importance, outcome) in enumerate(pad)
    ]
    places = st.integers(0, len(notes) - 1)
    alike = data.draw(st.lists(st.tuples(places, places), max_size=4))
    policy = Policy(weights=weights, threshold=threshold)
    given_evidence = evidence(notes, alike=alike)
    found = decide(given_evidence, policy, (), "ended")
    assert list(found) == [note.id for note in notes]
    assert found == decide(given_evidence, policy, (), "ended")
    for decision in found.values():
        assert set(decision.scores) == set(SIGNALS)
        assert all(0 <= value <= 1 for value in decision.scores.values())
        assert (decision.verdict == "promoted") == (
            decision.score >= threshold and decision.near is None
        )
        if decision.near is not None:
            assert found[decision.near].verdict == "promoted"
    # A lower threshold leaves none that a higher one promoted, unless another says it now.
    easier = decide(given_evidence, replace(policy, threshold=0), (), "ended")
    for name, decision in found.items():
        if decision.verdict == "promoted":
            assert easier[name].verdict == "promoted" or easier[name].near is not None
