"""The signals of the ranking, one at a time; and what is newest first."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loci.server.retrieval.diversity import diverse
from loci.server.retrieval.newest import newest_first
from loci.server.retrieval.ranking import Asked, Candidates, Ranked, least_words, rank
from loci.server.retrieval.relevance import bears, coverage, covers, forms, worth_showing
from loci.server.retrieval.signs import ASKS, NUMBERS, TIMES, signs_of, wanted_signs
from loci.server.retrieval.traits import Row, Traits
from loci.server.retrieval.weights import SIGNALS

ROWS = [
    Row(1, "ada", "s", 1, "Where did you go?"),
    Row(2, "bob", "s", 2, "To the sea, for three weeks."),
    Row(3, "ada", "s", 3, "Nice."),
    Row(4, "ada", None, 4, "The sea is blue."),
]


def ranked(
    cosines: dict[int, float],
    bm25s: dict[int, float],
    *,
    rows: list[Row] = ROWS,
    people: frozenset[str] = frozenset(),
    signs: int = 0,
    inside: list[float] | None = None,
    least: float = 0.0,
) -> Ranked:
    traits = Traits()
    traits.add(rows)
    seqs = np.array([row.seq for row in rows], np.int64)
    within = np.array(inside or [0.0] * len(seqs), np.float32)
    columns = [np.array([found.get(row.seq, 0.0) for row in rows]) for found in (cosines, bm25s)]
    asked = Asked(people, signs, within, least_words=least)
    return rank(Candidates(seqs, *columns), traits, traits.places(seqs), asked)


def signal(found: Ranked, name: str) -> dict[int, float]:
    column = found.signals[:, SIGNALS.index(name)]
    return dict(zip(found.seqs.tolist(), column.round(3).tolist(), strict=True))


def test_both_lists_are_scaled_to_their_best() -> None:
    found = ranked({1: 0.1, 2: 0.6, 3: 0.35}, {2: 4.0, 4: 8.0})
    assert signal(found, "meaning") == {1: 0.0, 2: 1.0, 3: 0.5, 4: 0.0}
    assert signal(found, "words") == {1: 0.0, 2: 0.5, 3: 0.0, 4: 1.0}
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


def test_words_that_are_everywhere_are_worth_what_they_are() -> None:
    least = least_words(20)
    assert least == pytest.approx(math.log(19.5 / 1.5) / 2)
    found = ranked({}, {2: least / 4, 4: least / 2}, least=least)
    assert signal(found, "words") == {1: 0.0, 2: 0.25, 3: 0.0, 4: 0.5}
    assert signal(ranked({}, {2: least, 4: 2 * least}, least=least), "words")[4] == 1.0
    assert least_words(0) == least_words(1) == least_words(2) == 0


def test_of_equals_the_newest_comes_first() -> None:
    assert ranked({}, {}, rows=[row._replace(content="x") for row in ROWS]).seqs.tolist() == [
        4,
        3,
        2,
        1,
    ]


def test_what_a_named_person_said_is_raised() -> None:
    found = ranked({1: 0.5, 2: 0.5}, {}, people=frozenset({"bob"}))
    assert signal(found, "said_by") == {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0}
    assert found.seqs[0] == 2


def test_where_one_person_speaks_it_says_nothing_who_did() -> None:
    alone = [row._replace(speaker="ada") for row in ROWS]
    found = ranked({1: 0.5}, {}, rows=alone, people=frozenset({"ada"}))
    assert set(signal(found, "said_by").values()) == {0.0}


def test_what_stands_beside_a_hit_is_raised_and_a_reply_once_more() -> None:
    found = ranked({1: 0.6}, {1: 3.0})
    assert signal(found, "beside") == {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0}
    assert signal(found, "reply") == {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0}
    after = ranked({2: 0.6}, {2: 3.0})
    assert signal(after, "beside") == {1: 1.0, 2: 0.0, 3: 1.0, 4: 0.0}
    assert set(signal(after, "reply").values()) == {0.0}


def test_beside_an_assistant_neighbours_say_nothing_and_the_user_counts() -> None:
    rows = [row._replace(speaker="assistant" if row.speaker == "bob" else "user") for row in ROWS]
    found = ranked({1: 0.6}, {}, rows=rows)
    assert set(signal(found, "beside").values()) == {0.0}
    assert signal(found, "user") == {1: 1.0, 2: 0.0, 3: 1.0, 4: 1.0}


def test_the_time_and_the_kind_of_answer_that_are_asked_for_are_raised() -> None:
    found = ranked({}, {}, signs=TIMES, inside=[0, 0, 0.5, 0])
    assert signal(found, "in_time")[3] == 0.5
    assert signal(found, "shows") == {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0}
    assert signal(found, "asks")[1] == 1.0


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("Where did you go?  ", ASKS),
        ("それは何ですか？", ASKS),
        ("We left yesterday.", TIMES),
        ("It was in 2019.", TIMES | NUMBERS),
        ("She has two cats.", NUMBERS),
        ("Blue.", 0),
        ("", 0),
    ],
)
def test_what_a_text_shows(text: str, signs: int) -> None:
    assert signs_of(text) == signs


@pytest.mark.parametrize(
    ("question", "signs"),
    [
        ("When did she leave?", TIMES),
        ("On which day was it?", TIMES),
        ("How many cats has she?", NUMBERS),
        ("Who told him when to go?", 0),
        ("What is blue?", 0),
    ],
)
def test_what_an_answer_should_show(question: str, signs: int) -> None:
    assert wanted_signs(question) == signs


def test_the_newer_of_two_that_are_alike_goes_first() -> None:
    alike = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    # The third is like the second, and newer.
    assert newest_first([1.0, 0.9, 0.8], [1, 2, 3], alike) == [2, 1, 0]
    assert newest_first([1.0, 0.9], [1, 2], alike[:2]) == [1, 0]
    assert newest_first([1.0, 0.9], [2, 1], alike[:2]) == [0, 1]
    assert newest_first([1.0, 0.9], [1, 2], alike[[0, 2]]) == [0, 1]
    assert newest_first([1.0, 0.5], [1, 2], alike[:2]) == [0, 1]
    assert newest_first([], [], np.empty((0, 2), np.float32)) == []


def test_the_newer_of_two_that_are_linked_goes_first_however_far_they_are() -> None:
    apart = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert newest_first([1.0, 0.4, 0.1], [1, 3, 2], apart, [(1, 0)]) == [1, 0, 2]
    assert newest_first([1.0, 0.4, 0.1], [1, 3, 2], apart, [(0, 1)]) == [1, 0, 2]
    assert newest_first([1.0, 0.4], [3, 1], apart[:2], [(0, 1)]) == [0, 1]


def test_what_is_like_something_before_it_gives_way() -> None:
    # The second says what the first does, the third something else.
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert diverse([1.0, 0.9, 0.5], vectors, 0.0) == [0, 1, 2]
    assert diverse([1.0, 0.9, 0.5], vectors, 0.5) == [0, 2, 1]
    assert diverse([], np.empty((0, 2), np.float32), 0.5) == []


@given(st.lists(st.floats(0, 2), max_size=12), st.floats(0, 1), st.integers(0, 9))
def test_diversity_only_changes_the_order(scores: list[float], diversity: float, seed: int) -> None:
    falling = sorted(scores, reverse=True)
    vectors = np.random.default_rng(seed).normal(size=(len(falling), 4)).astype(np.float32)
    order = diverse(falling, vectors, diversity)
    assert sorted(order) == list(range(len(falling)))
    assert order[:1] == list(range(len(falling)))[:1] or diversity == 1
    assert diversity or order == list(range(len(falling)))


def test_something_bears_on_a_question_by_likelihood_or_by_its_words() -> None:
    near, far = np.array([0.2, 0.3]), np.array([0.2])
    assert bears(np.array([0.1, 0.3]), near, ())
    assert not bears(np.array([0.1, 0.2]), near, ())
    assert not bears(np.array([0.1, 0.3]), far, ())
    assert bears(np.array([0.1]), far, (False, True))
    assert not bears(np.array([0.1]), far, (False,))
    assert not bears(np.array([]), np.array([]), ())


def test_what_has_no_cosine_is_judged_by_half_of_the_words() -> None:
    half, most = "green gardens", "green gardens and tea"
    asked = forms(["green", "tea", "gardens", "harbour"])
    assert not covers(asked, half, judged=True)
    assert covers(asked, half, judged=False)
    assert covers(asked, most, judged=True)
    assert not covers(asked, "green", judged=False)


@pytest.mark.parametrize(
    ("word", "text", "same"),
    [
        ("running", "He runs.", True),
        ("runs", "They were running.", True),
        ("hierarchies", "A hierarchy of classes.", True),
        ("makes", "Making tea.", True),
        ("stack", "It is deployed to staging.", False),
        ("stack", "Two stacks of plates.", True),
        ("art", "An artist.", True),
        ("ring", "A red door.", False),
        ("used", "It uses tea.", True),
        ("died", "He dies.", True),
        ("planned", "The plans.", True),
        ("calls", "A calendar.", False),
        ("string", "A street.", False),
        ("wedding", "On Wednesday.", False),
    ],
)
def test_forms_of_a_word_are_the_same_word(word: str, text: str, same: bool) -> None:
    assert covers(forms([word]), text, judged=True) == same


@given(
    st.lists(st.sampled_from(["Runs", "a", "tea", "ΣΑΣ", "Straße", "東京", "x"]), max_size=6),
    st.lists(
        st.sampled_from(["running", "tea", "teas", "σας", "strasse", "東京", "xs"]), max_size=5
    ),
)
def test_whether_a_text_covers_is_what_its_coverage_says(said: list[str], asked: list[str]) -> None:
    text, terms = " ".join(said), forms(asked)
    assert covers(terms, text, judged=True) == (coverage(terms, text) >= 0.6)
    assert covers(terms, text, judged=False) == (coverage(terms, text) >= 0.5)


def test_what_is_likely_enough_to_be_shown() -> None:
    likely = np.array([0.5, 0.3, 0.03, 0.02])
    assert worth_showing(likely).tolist() == [True, True, True, False]
    assert worth_showing(likely, 0.26).tolist() == [True, True, False, False]
