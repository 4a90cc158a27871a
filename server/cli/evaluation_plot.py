"""R@k per category as bars, and the reliability curve, in SVG: a drawing of rectangles, lines and words
needs no library."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from .evaluation_calibration import Bin
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
_SIDE = 240
"""Of the square of the reliability curve."""
_DOT, _SMALLEST = 14, 2
"""Radii of a bin of all hits, and of a bin of hardly any."""


def plot(reports: Sequence[Report], k: int) -> str:
    """An SVG document. For each corpus a group of bars for each category and for all, and the share of
    evidence by promised relevance."""
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
        if bins := report.signals["all"].reliability:
            drawn += _curve(bins, y)
            y += _SIDE + 3 * _LINE
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


def _curve(bins: Sequence[Bin], y: int) -> Iterator[str]:
    """Dots by the hits in a bin; on the diagonal every promise is kept."""
    x, bottom = _LABELS, y + _SIDE
    yield _text(x - 36, y + _BAR, "evidence among the shown, %", "13px", anchor="end")
    yield _text(x + _SIDE, bottom + _LINE + 4, "relevance, %", "13px", anchor="end")
    for mark in (0, 50, 100):
        away = _SIDE * mark // 100
        yield _text(x - 8, bottom - away + 4, f"{mark}", "11px", anchor="end")
        yield _text(x + away, bottom + _BAR + 2, f"{mark}", "11px", anchor="middle")
    frame = f'x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}"'
    yield f'<rect {frame} fill="none" stroke="{_COLOURS["meaning"]}"/>'
    yield _line([(x, bottom), (x + _SIDE, y)], 'stroke-dasharray="4 4"', _COLOURS["meaning"])
    dots = [(x + round(_SIDE * one.promised), bottom - round(_SIDE * one.kept)) for one in bins]
    yield _line(dots, 'stroke-width="2"', _COLOURS["all"])
    hits = sum(one.hits for one in bins)
    for (across, down), one in zip(dots, bins, strict=True):
        radius = max(_SMALLEST, round(_DOT * (one.hits / hits) ** 0.5))
        yield (
            f'<circle cx="{across}" cy="{down}" r="{radius}" fill="{_COLOURS["all"]}">'
            f"<title>{one.hits:,} hits: {one.promised:.0%} promised, {one.kept:.0%} evidence</title>"
            "</circle>"
        )


def _line(points: Sequence[tuple[int, int]], look: str, colour: str) -> str:
    at = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{at}" fill="none" stroke="{colour}" {look}/>'


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
