"""Panels of lines in SVG: polylines and words need no library."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

__all__ = ["draw"]

_COLOURS = ("#c0392b", "#1b6ca8", "#8a8f98", "#e8a33d")
_WIDTH, _HEIGHT, _LEFT, _TOP, _PANEL = 560, 130, 50, 40, 210
_LEGEND = 150

Lines = Mapping[str, Sequence[float]]


def draw(panels: Mapping[str, Lines]) -> str:
    """An SVG document: a panel for each title, a line for each name, a value a day."""
    height = _PANEL * len(panels)
    width = _LEFT + _WIDTH + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, (title, lines) in enumerate(panels.items()):
        parts += _panel(title, lines, place * _PANEL + _TOP)
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, lines: Lines, top: int) -> list[str]:
    values = [value for line in lines.values() for value in line]
    low, high = min(0.0, *values), max(1.0, *values)
    bottom = top + _HEIGHT
    parts = [
        _text(_LEFT, top - 12, title, "bold 14px"),
        f'<path d="M{_LEFT} {top}V{bottom}H{_LEFT + _WIDTH}" stroke="#222222" fill="none"/>',
        _text(_LEFT - 6, top + 5, f"{high:.0f}", "11px", anchor="end"),
        _text(_LEFT - 6, bottom, f"{low:.0f}", "11px", anchor="end"),
    ]
    for day in (1, 10, 20, 30):
        x = _LEFT + (day - 1) / 29 * _WIDTH
        parts.append(_text(x, bottom + 16, f"day {day}", "11px", anchor="middle"))
    for place, (name, line) in enumerate(lines.items()):
        step = _WIDTH / max(len(line) - 1, 1)
        points = " ".join(
            f"{_LEFT + day * step:.1f},{bottom - (value - low) / (high - low) * _HEIGHT:.1f}"
            for day, value in enumerate(line)
        )
        colour = _COLOURS[place]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        y = top + 14 + 18 * place
        parts.append(_text(_LEFT + _WIDTH + 10, y, name, "12px", colour=colour))
    return parts


def _text(
    x: float, y: float, text: str, font: str, *, anchor: str = "start", colour: str = "#222222"
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" style="font: {font} sans-serif" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
