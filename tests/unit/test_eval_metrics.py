"""The figures of `loci eval`: examples by hand, and what holds for all."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loci.server.cli import evaluation_metrics as metrics
from loci.server.cli.evaluation_calibration import calibration_error, judged, reliability
from loci.server.cli.evaluation_report import figures, scores
from loci.server.cli.evaluation_running import Answer, Found

ids = st.text("abcdefghij", min_size=1, max_size=1)
rankings = st.lists(ids, unique=True, max_size=10)
groups_of_ids = st.lists(st.sets(ids, min_size=1, max_size=4), min_size=1, max_size=4)
depths = st.integers(1, 12)
LENGTH = 200
"""Tokens of each memory's content."""
FIGURES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


def found(
    *ranked: str, tokens: int = 100, nothing: bool = False, ms: float = 5, relevance: float = 0.5
) -> Found:
    count = len(ranked)
    return Found(ranked, (relevance,) * count, (LENGTH,) * count, tokens, nothing, ms)


def answer(
    wide: Found,
    *groups: str,
    category: str = "a",
    blank: bool = False,
    answerable: bool = True,
    stale: str = "",
    forbidden: str | None = None,
    pinned: str = "",
    plain: Found | None = None,
    within: Found | None = None,
) -> Answer:
    passes = {"wide": wide, "plain": plain, "500": within}
    return Answer(
        category=category,
        blank=blank,
        answerable=answerable,
        groups=[frozenset(group) for group in groups],
        stale=frozenset(stale),
        forbidden=None if forbidden is None else frozenset(forbidden),
        pinned=frozenset(pinned),
        found={name: one for name, one in passes.items() if one is not None},
    )


def test_recall_is_the_share_of_groups_of_which_any_id_is_found() -> None:
    ranked = ["x", "b", "y", "c"]
    groups = [{"a", "b"}, {"c"}, {"d"}]
    assert metrics.recall(ranked, groups, 1) == 0
    assert metrics.recall(ranked, groups, 2) == pytest.approx(1 / 3)
    assert metrics.recall(ranked, groups) == pytest.approx(2 / 3)
    assert metrics.recall_all(ranked, groups) == 0
    assert metrics.recall_all(ranked, groups[:2], 4) == 1
    assert metrics.recall_all(ranked, groups[:2], 3) == 0


def test_ndcg_rewards_the_first_id_of_each_group_by_its_rank() -> None:
    groups = [{"a", "b"}, {"c"}]
    ideal = 1 + 1 / math.log2(3)
    assert metrics.ndcg(["a", "c"], groups, 10) == pytest.approx(1)
    assert metrics.ndcg(["a", "b", "c"], groups, 10) == pytest.approx((1 + 1 / 2) / ideal)
    assert metrics.ndcg(["x", "c"], groups, 10) == pytest.approx((1 / math.log2(3)) / ideal)
    assert metrics.ndcg(["x", "c"], groups, 1) == 0
    assert metrics.ndcg(["a"], groups, 1) == 1


def test_the_reciprocal_rank_is_of_the_first_evidence() -> None:
    assert metrics.reciprocal_rank(["x", "y", "b", "a"], [{"a"}, {"b"}]) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank(["x"], [{"a"}]) == 0


def test_the_newest_is_first_when_evidence_stands_before_every_outdated_version() -> None:
    assert metrics.newest_first(["x", "new", "old"], [{"new"}], {"old"}) == 1
    assert metrics.newest_first(["new"], [{"new"}], {"old"}) == 1
    assert metrics.newest_first(["old", "new"], [{"new"}], {"old"}) == 0
    assert metrics.newest_first(["old"], [{"new"}], {"old"}) == 0
    assert metrics.newest_first([], [{"new"}], {"old"}) == 0


def test_precision_judges_only_what_is_evidence_or_forbidden() -> None:
    assert metrics.set_precision("abxy", "ab", "x") == pytest.approx(2 / 3)
    assert metrics.set_precision("y", "", "x") == 1
    assert metrics.set_precision("", "", "x") == 1
    assert metrics.set_precision("", "a", "x") == 0
    assert metrics.set_precision("x", "", "x") == 0


def test_quantiles_are_values_that_were_measured() -> None:
    assert metrics.quantile([4, 1, 3, 2], 0.5) == 2
    assert metrics.quantile(list(range(1, 101)), 0.95) == 95
    assert metrics.quantile([7], 0.95) == 7
    assert metrics.quantile([2, 1], 0) == 1


@given(rankings, groups_of_ids, depths)
def test_every_figure_lies_between_0_and_1(
    ranked: list[str], groups: list[set[str]], k: int
) -> None:
    made = (
        metrics.recall(ranked, groups, k),
        metrics.recall_all(ranked, groups, k),
        metrics.ndcg(ranked, groups, k),
        metrics.reciprocal_rank(ranked, groups),
        metrics.newest_first(ranked, groups, {"z"}),
        metrics.set_precision(ranked, set[str]().union(*groups), {"z"}),
    )
    assert all(0 <= one <= 1 for one in made)


@given(rankings, groups_of_ids, depths)
def test_more_results_never_find_less(ranked: list[str], groups: list[set[str]], k: int) -> None:
    assert metrics.recall(ranked, groups, k) <= metrics.recall(ranked, groups, k + 1)
    assert metrics.recall_all(ranked, groups, k) <= metrics.recall(ranked, groups, k)


@given(rankings, groups_of_ids)
def test_nothing_gets_better_by_an_irrelevant_result_before_the_others(
    ranked: list[str], groups: list[set[str]]
) -> None:
    later = ["z", *ranked]
    assert metrics.ndcg(later, groups, 10) <= metrics.ndcg(ranked, groups, 10)
    assert metrics.reciprocal_rank(later, groups) <= metrics.reciprocal_rank(ranked, groups)
    assert metrics.recall(later, groups, 5) <= metrics.recall(ranked, groups, 5)


@given(groups_of_ids, depths)
def test_one_new_group_a_rank_is_ideal(groups: list[set[str]], k: int) -> None:
    apart = [{f"{place}{one}" for one in group} for place, group in enumerate(groups)]
    assert metrics.ndcg([min(group) for group in apart], apart, k) == pytest.approx(1)


@given(FIGURES, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_with_the_share(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert min(values) <= metrics.quantile(values, low) <= metrics.quantile(values, high)
    assert metrics.quantile(values, high) <= max(values)


@given(FIGURES)
def test_the_mean_lies_between_the_extremes(values: list[float]) -> None:
    wide = 1e-6
    assert min(values) - wide <= metrics.mean(values) <= max(values) + wide


def test_a_question_is_scored_by_its_passes() -> None:
    asked = answer(
        found("x", "a", "b", "o"),
        "a",
        "b",
        stale="o",
        forbidden="x",
        plain=found("x", tokens=80, ms=7),
        within=found("a", "x"),
    )
    made = scores(asked, [1, 2, 10], [500, 1000])
    ndcg = (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))
    assert made == pytest.approx(
        {
            "recall@1": 0,
            "recall@2": 0.5,
            "recall@10": 1,
            "recall_all@1": 0,
            "recall_all@2": 0,
            "recall_all@10": 1,
            "ndcg@10": ndcg,
            "mrr": 0.5,
            "within@500": 0.5,
            "texts@500": 0.5,
            "texts@1000": 1,
            "newest_first": 1,
            "nothing_answerable": 0,
            "tokens": 80,
            "ms": 7,
            "set_precision": 0,
            "set_precision_beside": 0,
            "set_recall": 0,
        }
    )


def test_a_question_that_nothing_answers_is_not_asked_for_its_ranks() -> None:
    made = scores(answer(found(nothing=True), "a", answerable=False), [10], [])
    assert made == {"nothing_abstain": 1}


def test_what_is_pinned_counts_in_one_of_the_two_precisions() -> None:
    plain = found("a", "p", "x", "q")
    made = scores(answer(plain, "a", forbidden="pqx", pinned="pq", plain=plain), [10], [])
    assert (made["set_precision"], made["set_precision_beside"]) == (1 / 4, 1 / 2)
    nothing = answer(found("p"), answerable=False, forbidden="p", pinned="p", plain=found("p"))
    made = scores(nothing, [10], [])
    assert (made["set_precision"], made["set_precision_beside"]) == (0, 1)


def test_texts_are_taken_as_long_as_all_of_them_fit() -> None:
    assert metrics.texts_within([300, 300, 500, 1], 600) == 2
    assert metrics.texts_within([601, 1], 600) == 0
    assert metrics.texts_within([], 600) == 0


def averages(answers: Sequence[Answer]) -> dict[str, float]:
    return figures(answers, [10], []).overall


def test_figures_are_means_over_the_questions_that_have_them() -> None:
    asked = [
        answer(found("a"), "a", category="one", plain=found("a", tokens=10, ms=1)),
        answer(found("x"), "a", category="one", plain=found("x", tokens=20, ms=2)),
        answer(found(), category="two", answerable=False, plain=found(nothing=True, ms=9)),
    ]
    made = figures(asked, [10], [])
    assert list(made.categories) == ["one", "two"]
    assert made.categories["two"].get("recall@10") is None
    assert made.categories["two"]["nothing_abstain"] == 1
    assert made.overall["questions"] == 3
    assert made.overall["answerable"] == 2
    assert made.overall["recall@10"] == 0.5
    assert made.overall["tokens"] == 20
    assert (made.overall["ms_median"], made.overall["ms_p95"]) == (2, 9)


@given(st.lists(st.tuples(rankings, groups_of_ids), min_size=1, max_size=8))
def test_the_whole_lies_between_its_questions(
    asked: list[tuple[list[str], list[set[str]]]],
) -> None:
    answers = [answer(found(*ranked), *map("".join, groups)) for ranked, groups in asked]
    each = [averages([one])["recall@10"] for one in answers]
    assert min(each) - 1e-3 <= averages(answers)["recall@10"] <= max(each) + 1e-3


def test_each_bin_sets_what_was_promised_against_what_was_evidence() -> None:
    hits = [(0.0, False), (0.08, True), (0.1, False), (0.95, True), (1.0, True)]
    bins = reliability(hits)
    assert [(one.least, one.hits, one.promised, one.kept) for one in bins] == [
        (0.0, 2, 0.04, 0.5),
        (0.1, 1, 0.1, 0.0),
        (0.9, 2, 0.975, 1.0),
    ]
    assert calibration_error(bins) == pytest.approx((2 * 0.46 + 0.1 + 2 * 0.025) / 5)


def test_only_what_was_shown_to_plain_questions_is_judged() -> None:
    asked = [
        answer(found("b", "a", relevance=0.9), "a", plain=found("b", "a", relevance=0.25)),
        answer(found("a"), "a", category="b", plain=found("a", relevance=0.75)),
        answer(found("a"), "a", category="c"),
        answer(found("a"), "a", category="c", blank=True, plain=found("b", relevance=1)),
    ]
    made = figures(asked, [10], [])
    assert [(one.hits, one.promised, one.kept) for one in made.reliability] == [
        (2, 0.25, 0.5),
        (1, 0.75, 1.0),
    ]
    assert made.overall["calibration_error"] == pytest.approx(0.25)
    assert made.categories["b"]["calibration_error"] == 0.25
    assert "calibration_error" not in made.categories["c"]
    assert figures(asked[2:], [10], []).reliability == []


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_every_hit_is_in_one_bin_that_spans_its_relevance(hits: list[tuple[float, bool]]) -> None:
    bins = reliability(hits)
    assert sum(one.hits for one in bins) == len(hits)
    assert all(one.least - 1e-4 <= one.promised <= one.least + 0.1 + 1e-4 for one in bins)
    assert 0 <= calibration_error(bins) <= 1


def test_hits_are_evidence_by_id() -> None:
    assert list(judged(("a", "b"), (0.5, 0.25), {"b"})) == [(0.5, False), (0.25, True)]
