"""The fit of the shipped weights: what it measures is what `loci eval` measures, and it finds what is there."""

import json
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from benchmarks.fitting import logistic
from benchmarks.fitting.ascent import START, ascend, by_question, worth
from benchmarks.fitting.collecting import Case
from benchmarks.fitting.judging import gain
from benchmarks.fitting.leaving_out import figures_left_out
from benchmarks.fitting.measuring import Block, signals_at

from loci.server.cli import evaluation_metrics as metrics
from loci.server.embedding import shipped
from loci.server.retrieval.relevance import likelihood
from loci.server.retrieval.weights import CALIBRATION, SIGNALS, WEIGHTS

SAID_BY = SIGNALS.index("said_by")


def case(number: int, *, tenant: str = "a", candidates: int = 30, groups: int = 2) -> Case:
    """Evidence is what a named person said; the two lists say little."""
    drawn = np.random.default_rng(number)
    evidence = np.zeros((candidates, groups), np.bool_)
    good = drawn.choice(candidates, size=groups, replace=False)
    evidence[good, np.arange(groups)] = True
    signals = np.zeros((candidates, len(SIGNALS)))
    signals[:, :2] = drawn.random((candidates, 2))
    signals[good, SAID_BY] = 1
    return Case(
        corpus="c",
        tenant=tenant,
        answerable=True,
        signals=signals,
        cosines=signals[:, 1],
        before=np.arange(candidates) - 1,
        after=np.append(np.arange(1, candidates), -1),
        asking=np.zeros(candidates, np.bool_),
        evidence=evidence,
    )


CASES = [case(number, tenant="abcd"[number % 4]) for number in range(40)]
CASES.append(case(99, candidates=12, groups=5))


def test_a_block_is_measured_as_each_question_is() -> None:
    block = Block.of(CASES)
    weights = np.linspace(1, 0.2, len(SIGNALS))
    found = by_question(block, weights)
    for one, (recall, ndcg) in zip(CASES, found.tolist(), strict=True):
        scores = signals_at(one, weights[0] / weights[:2].sum()) @ weights
        ranked = np.argsort(-scores, kind="stable").tolist()
        groups = [set(np.flatnonzero(column).tolist()) for column in one.evidence.T]
        assert recall == pytest.approx(metrics.recall(ranked, groups, 10))
        assert ndcg == pytest.approx(metrics.ndcg(ranked, groups, 10))


def test_the_ascent_finds_the_signal_that_tells_and_leaves_what_no_question_has() -> None:
    blocks = {"c": Block.of(CASES)}
    fitted = ascend(blocks)
    assert fitted[SAID_BY] > 0
    assert worth(blocks, fitted) > worth(blocks, START) + 0.1
    untold = [SIGNALS.index(name) for name in ("in_time", "user")]
    assert fitted[untold].tolist() == WEIGHTS[untold].tolist()
    left_out = figures_left_out(blocks)["c"]
    assert left_out.mean() == pytest.approx(worth(blocks, fitted), abs=0.05)


def test_the_logistic_fit_promises_what_it_was_fitted_on() -> None:
    hits = logistic.Hits(CASES, WEIGHTS)
    promised = logistic.promises(hits, logistic.fit(hits))
    assert np.mean([chance for chance, _ in promised]) == pytest.approx(hits.good.mean())


def test_a_promise_is_what_relevance_says() -> None:
    (one,) = CASES[:1]
    scores = np.sort(one.signals @ WEIGHTS)[::-1]
    order = np.argsort(-(one.signals @ WEIGHTS), kind="stable")
    nobody = np.full(len(scores), -1)
    alone = replace(one, before=nobody, after=nobody)
    promised = logistic.promises(logistic.Hits([alone], WEIGHTS), CALIBRATION)
    expected = likelihood(one.cosines[order], scores, float(scores[0]))[:10]
    assert [chance for chance, _ in promised] == pytest.approx(expected.tolist())


def test_a_gain_that_only_one_tenant_has_is_in_doubt() -> None:
    tenants = np.repeat(np.array(["a", "b", "c", "d"]), 50)
    everywhere = gain(np.full(200, 0.02), tenants)
    assert everywhere.low == pytest.approx(0.02)
    one = gain(np.where(tenants == "a", 0.08, 0.0), tenants)
    assert one.mean == pytest.approx(0.02)
    assert one.low == 0
    assert gain(np.where(tenants == "a", 0.08, 0.0), tenants) == one


def test_the_shipped_file_says_what_it_was_fitted_on_and_for() -> None:
    text = resources.files("loci.server.retrieval").joinpath("weights.json").read_text()
    said = json.loads(text)
    assert said["embedder"] == shipped().identity
    assert said["command"].startswith("python -m tests.benchmarks.fitting ")
    assert {"locomo", "lifebench"} <= set(said["weights_on"]) <= set(said["calibration_on"])
