"""R@k per category as bars, in SVG: a drawing of rectangles and words needs no library."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from .evaluation_report import NAMES, Report
from .evaluation_running import Signals

__all__ = ["plot"]

_COLOURS: dict[Signals, str] = {"all": "#1b6ca8", "words": "#e8a33d", "meaning": "#8a8f98"}
_LABELS, _BARS, _VALUES = 260, 480, 60
"""Widths in pixels: of the categories' names, of a bar of 100 %, of the figures."""
_LETTERS = 36
"""Of a category's name; more have no room."""
_BAR, _GAP, _LINE = 12, 10, 26
"""Heights: of a bar, of the space between categories, of a line of text."""


def plot(reports: Sequence[Report], k: int) -> str:
    """An SVG document: a panel for each corpus, a group of bars for each category and for all."""
    drawn: list[str] = []
    y = _LINE
    for report in reports:
        drawn.append(_text(_GAP, y, f"{report.name}: R@{k}, %", "bold 15px"))
        y += _LINE
        drawn += _legend(report, y)
        y += _LINE // 2
        for label in ("overall", *report.signals["all"].categories):
            drawn += _group(report, label, f"recall@{k}", y)
            y += len(report.signals) * _BAR + _GAP
        y += _LINE
    width = _LABELS + _BARS + _VALUES
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
        f'viewBox="0 0 {width} {y}" role="img">'
    )
    ground = f'<rect width="{width}" height="{y}" fill="#ffffff"/>'
    return "\n".join([opening, ground, *drawn, "</svg>", ""])


def _legend(report: Report, y: int) -> Iterator[str]:
    for place, name in enumerate(report.signals):
        x = _LABELS + place * 130
        yield _rect(x, y - _BAR + 2, _BAR, name)
        yield _text(x + _BAR + 6, y, NAMES[name], "13px")


def _group(report: Report, label: str, figure: str, y: int) -> Iterator[str]:
    middle = y + len(report.signals) * _BAR // 2 + 4
    shown = label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"
    yield _text(_LABELS - 8, middle, shown, "13px", anchor="end")
    for place, (name, found) in enumerate(report.signals.items()):
        summary = found.overall if label == "overall" else found.categories[label]
        value = summary.get(figure)
        top = y + place * _BAR
        yield _rect(_LABELS, top, round(_BARS * (value or 0)), name)
        number = "-" if value is None else f"{100 * value:.1f}"
        yield _text(_LABELS + round(_BARS * (value or 0)) + 5, top + _BAR - 2, number, "11px")


def _rect(x: int, y: int, width: int, name: Signals) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{_BAR - 2}" fill="{_COLOURS[name]}">'
        f"<title>{NAMES[name]}</title></rect>"
    )


def _text(x: int, y: int, text: str, font: str, *, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" style="font: {font} sans-serif" fill="#222222" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
