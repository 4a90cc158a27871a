"""From answers to figures, for `loci eval`: per question, per category and overall, and as tables.

Ranks and budgets are judged over the questions that something answers (evidence, and no `abstain`),
from the wide pass and those with a budget; the set, calibration, tokens, time and `nothing_relevant` are
of the plain pass. Shares are from 0 to 1, in tables from 0 to 100. A figure that no question of a category has is
left out there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from . import evaluation_metrics as metrics
from .evaluation_calibration import Bin, Hit, calibration_error, judged, reliability
from .evaluation_running import Answer, Signals
from .output import table

__all__ = ["NAMES", "Figures", "Report", "figures", "main_rank", "scores", "tables"]

NAMES: Mapping[Signals, str] = {
    "all": "all signals",
    "words": "words only",
    "meaning": "meaning only",
}

_DEPTH = 10
"""Of nDCG."""

Summary = dict[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one corpus, by one ranking."""

    overall: Summary
    categories: Mapping[str, Summary]
    reliability: Sequence[Bin] = ()
    """What relevance promised and kept, overall; empty where no plain pass was made."""


@dataclass(frozen=True, slots=True)
class Report:
    """Of one corpus."""

    name: str
    memories: int
    questions: int
    seconds: Mapping[str, float]
    """For remembering (0 where they were kept) and for asking, of all rankings together."""
    signals: Mapping[Signals, Figures]


def figures(answers: Sequence[Answer], ks: Sequence[int], budgets: Sequence[int]) -> Figures:
    """The figures of one answer at least; categories in the order of their first question."""
    scored = [(one, scores(one, ks, budgets)) for one in answers]
    kinds = dict.fromkeys(one.category for one in answers)
    categories = {
        kind: _summary([pair for pair in scored if pair[0].category == kind]) for kind in kinds
    }
    return Figures(_summary(scored), categories, reliability(_hits(answers)))


def scores(answer: Answer, ks: Sequence[int], budgets: Sequence[int]) -> dict[str, float]:
    """One question's figures by name; what is not defined for it is not there."""
    made = dict(_ranked(answer, ks, budgets)) if answer.answerable else {}
    plain = answer.found.get("plain")
    said = plain or answer.found["wide"]
    made["nothing_answerable" if answer.answerable else "nothing_abstain"] = float(said.nothing)
    if plain is not None:
        made |= {"tokens": plain.tokens, "ms": plain.ms}
    if answer.forbidden is not None:
        for name, ids in (("", said.ids), ("_beside", set(said.ids) - answer.pinned)):
            precision = metrics.set_precision(ids, answer.evidence, answer.forbidden)
            made[f"set_precision{name}"] = precision
    whole = plain is not None and answer.answerable
    if whole or (answer.forbidden is not None and answer.groups):
        made["set_recall"] = metrics.recall(said.ids, answer.groups)
    return made


def _ranked(
    answer: Answer, ks: Sequence[int], budgets: Sequence[int]
) -> Iterator[tuple[str, float]]:
    wide, groups = answer.found["wide"].ids, answer.groups
    for k in ks:
        yield f"recall@{k}", metrics.recall(wide, groups, k)
        yield f"recall_all@{k}", metrics.recall_all(wide, groups, k)
    yield f"ndcg@{_DEPTH}", metrics.ndcg(wide, groups, _DEPTH)
    yield "mrr", metrics.reciprocal_rank(wide, groups)
    for budget in budgets:
        if (found := answer.found.get(f"{budget}")) is not None:
            yield f"within@{budget}", metrics.recall(found.ids, groups)
        fitting = metrics.texts_within(answer.found["wide"].lengths, budget)
        yield f"texts@{budget}", metrics.recall(wide, groups, fitting)
    if answer.stale:
        yield "newest_first", metrics.newest_first(wide, groups, answer.stale)


def _hits(answers: Iterable[Answer]) -> Iterator[Hit]:
    for one in answers:
        # To a question without words nothing is relevant or not.
        if not one.blank and (plain := one.found.get("plain")) is not None:
            yield from judged(plain.ids, plain.relevances, one.evidence)


def _summary(scored: Sequence[tuple[Answer, Mapping[str, float]]]) -> Summary:
    columns: dict[str, list[float]] = {}
    for _, one in scored:
        for name, value in one.items():
            columns.setdefault(name, []).append(value)
    answerable = len(columns.get("nothing_answerable", []))
    made: Summary = {"questions": len(scored), "answerable": answerable}
    if bins := reliability(_hits(one for one, _ in scored)):
        made["calibration_error"] = round(calibration_error(bins), 4)
    if tokens := columns.pop("tokens", None):
        made["tokens"] = metrics.quantile(tokens, 0.5)
    if times := columns.pop("ms", None):
        for name, share in (("ms_median", 0.5), ("ms_p95", 0.95)):
            made[name] = round(metrics.quantile(times, share), 2)
    return made | {name: round(metrics.mean(values), 4) for name, values in columns.items()}


def main_rank(ks: Sequence[int]) -> int:
    """The k to show where there is room for one only: 10 if it was asked for."""
    return 10 if 10 in ks else max(ks)


def tables(report: Report, ks: Sequence[int], budgets: Sequence[int]) -> Iterator[Table]:
    """For people: what was found, what answers were like, and what each kind of signal does."""
    rows = {**report.signals["all"].categories, "overall": report.signals["all"].overall}
    main = main_rank(ks)
    ranks = {f"recall@{k}": f"R@{k}" for k in ks} | {f"recall_all@{main}": f"all@{main}"}
    ranks |= {f"ndcg@{_DEPTH}": f"nDCG@{_DEPTH}", "mrr": "MRR"}
    within = {f"within@{n}": f"in {n:,}" for n in budgets}
    texts = {f"texts@{n}": f"texts of {n:,}" for n in budgets}
    yield _table(
        f"{report.name}: evidence found",
        rows,
        {"answerable": "questions", **ranks, **within, **texts},
    )
    yield _table(f"{report.name}: answers to plain questions", rows, _ANSWERS)
    if bins := report.signals["all"].reliability:
        yield _table(f"{report.name}: relevance", dict(map(_promise, bins)), _PROMISES)
    if len(report.signals) > 1:
        arms = {NAMES[one]: found.overall for one, found in report.signals.items()}
        yield _table(f"{report.name}: what ranks", arms, ranks)


_ANSWERS = {
    "questions": "questions",
    "newest_first": "newest first",
    "set_precision": "precision",
    "set_precision_beside": "beside pinned",
    "set_recall": "recall",
    "nothing_answerable": "nothing, if answerable",
    "nothing_abstain": "nothing, if not",
    "calibration_error": "calibration error",
    "tokens": "tokens",
    "ms_median": "ms",
    "ms_p95": "ms, p95",
}
_PROMISES = {"hits": "hits", "promised": "promised", "kept": "evidence"}
_NUMBERS = ("questions", "answerable", "tokens", "hits")
_TIMES = ("ms_median", "ms_p95")


def _promise(one: Bin) -> tuple[str, Summary]:
    kept = {"hits": one.hits, "promised": one.promised, "kept": one.kept}
    return f"from {one.least:.1f}", kept


def _table(title: str, rows: Mapping[str, Summary], columns: Mapping[str, str]) -> Table:
    shown = {
        name: column for name, column in columns.items() if any(name in r for r in rows.values())
    }
    made = table("", *shown.values())
    made.title, made.title_justify, made.title_style = title, "left", "bold"
    for column in made.columns[1:-1]:
        column.justify = "right"
    for label, row in rows.items():
        made.add_row(label, *(_cell(name, row.get(name)) for name in shown))
    return made


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name in _NUMBERS:
        return f"{value:,.0f}"
    return f"{value:.1f}" if name in _TIMES else f"{100 * value:.1f}"
