"""Draws a plot as SVG, without a library: bars or lines, each with its least and most."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10
from typing import Final

from benchmarks.interface import Plot

_WIDTH: Final = 960
_HEIGHT: Final = 360
_LEFT: Final = 70
_TOP: Final = 40
_ROW: Final = 20  # of the legend
_COLOURS: Final = (
    "#0b6e4f",
    "#2a9d8f",
    "#264653",
    "#577590",
    "#8ab17d",
    "#e9c46a",
    "#f4a261",
    "#e76f51",
    "#b5179e",
    "#6d597a",
)
_STYLE: Final = "text{font:13px system-ui,sans-serif;fill:#222}.t{font-size:16px;font-weight:600}.g{stroke:#ddd}"


class _Scale:
    """Turns a figure into a height."""

    def __init__(self, plot: Plot) -> None:
        most = [point[2] for line in plot.lines for point in line.points if point]
        least = [point[1] for line in plot.lines for point in line.points if point and point[1] > 0]
        self._logarithmic = plot.logarithmic
        if plot.logarithmic:
            self._from, self._to = floor(log10(min(least))), ceil(log10(max(most)))
            self.ticks = [10.0**power for power in range(self._from, self._to + 1)]
        else:
            step = _step(max(most))
            self._from, self._to = 0, ceil(max(most) / step)
            self.ticks = [step * number for number in range(self._to + 1)]
            self._step = step

    def y(self, value: float) -> float:
        """Return the place of a figure."""
        place = log10(max(value, 10.0**self._from)) if self._logarithmic else value / self._step
        return _TOP + _HEIGHT * (1 - (place - self._from) / (self._to - self._from))


def _step(most: float) -> float:
    """Return a round distance of grid lines, four to ten of them."""
    power: float = 10.0 ** floor(log10(most))
    return next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1.0) if most / (power * part) <= 10)  # noqa: PLR2004


def draw(plot: Plot) -> str:
    """Return the picture."""
    scale = _Scale(plot)
    height = _TOP + _HEIGHT + 40 + _ROW * len(plot.lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 24, f"{plot.title} ({plot.unit})", "start", "t"),
        *_grid(plot, scale),
        *(_bars(plot, scale) if plot.bars else _lines(plot, scale)),
        *_legend(plot),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{mark}>{escape(text)}</text>'


def _grid(plot: Plot, scale: _Scale) -> Iterator[str]:
    for tick in scale.ticks:
        y = scale.y(tick)
        yield f'<line class="g" x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{tick:,g}", "end")
    for at, place in enumerate(plot.places):
        yield _text(_centre(plot, at), _TOP + _HEIGHT + 20, place, "middle")


def _centre(plot: Plot, at: int) -> float:
    return _LEFT + _column(plot) * (at + 0.5)


def _column(plot: Plot) -> float:
    return (_WIDTH - 20 - _LEFT) / len(plot.places)


def _colour(at: int) -> str:
    return _COLOURS[at % len(_COLOURS)]


def _bars(plot: Plot, scale: _Scale) -> Iterator[str]:
    wide = _column(plot) * 0.8 / len(plot.lines)
    for at, line in enumerate(plot.lines):
        for place, point in enumerate(line.points):
            if point is not None:
                x = _centre(plot, place) + wide * (at - len(plot.lines) / 2)
                y = scale.y(point[0])
                tall = _TOP + _HEIGHT - y
                size = f'width="{wide * 0.9:.1f}" height="{tall:.1f}"'
                yield f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{_colour(at)}"/>'
                yield _whisker(x + wide * 0.45, point, scale)


def _lines(plot: Plot, scale: _Scale) -> Iterator[str]:
    for at, line in enumerate(plot.lines):
        known = [(_centre(plot, place), point) for place, point in enumerate(line.points) if point is not None]
        path = " ".join(f"{x:.1f},{scale.y(point[0]):.1f}" for x, point in known)
        yield f'<polyline points="{path}" fill="none" stroke="{_colour(at)}" stroke-width="2"/>'
        for x, point in known:
            yield f'<circle cx="{x:.1f}" cy="{scale.y(point[0]):.1f}" r="4" fill="{_colour(at)}"/>'
            yield _whisker(x, point, scale)


def _whisker(x: float, point: tuple[float, float, float], scale: _Scale) -> str:
    low, high = scale.y(point[1]), scale.y(point[2])
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="#222"/>'


def _legend(plot: Plot) -> Iterator[str]:
    for at, line in enumerate(plot.lines):
        y = _TOP + _HEIGHT + 40 + _ROW * at
        yield f'<rect x="{_LEFT}" y="{y}" width="12" height="12" fill="{_colour(at)}"/>'
        yield _text(_LEFT + 20, y + 11, line.title, "start")
