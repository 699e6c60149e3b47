"""Draws a plot as SVG."""

from __future__ import annotations

from io import StringIO
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter, SymmetricalLogLocator

from benchmarks.interface import Plot

_MARKS: Final = "oDsv^<>PXph*"
_SPREAD: Final = 0.7  # of the distance between two places
_STYLE: Final = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "wooxy_async",  # the same picture from the same figures
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(plot: Plot, titles: list[str]) -> str:
    """Return the picture: medians, each with a line from its least to its most.

    Args:
        plot: what is drawn.
        titles: those of all peers, so that each has its mark and colour in every picture.
    """
    colours = mpl.colormaps["tab20"].colors
    colours = colours[::2] + colours[1::2]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 5.5), layout="constrained")
        axes = figure.add_subplot()
        for at, line in enumerate(plot.lines):
            style = titles.index(line.title) if line.title in titles else at
            aside = 0 if plot.joined else _SPREAD * ((at + 0.5) / len(plot.lines) - 0.5)
            known = [(place + aside, point) for place, point in enumerate(line.points) if point is not None]
            axes.errorbar(
                [place for place, _point in known],
                [median for _place, (median, _least, _most) in known],
                yerr=[
                    [median - least for _place, (median, least, _most) in known],
                    [most - median for _place, (median, _least, most) in known],
                ],
                label=line.title,
                color=colours[style % len(colours)],
                marker=_MARKS[style % len(_MARKS)],
                linestyle="-" if plot.joined else "",
                linewidth=1,
            )
        _scale(axes, plot)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _scale(axes: Axes, plot: Plot) -> None:
    """Name the axes; the upright one is logarithmic from 1, because the figures differ by orders of magnitude."""
    axes.set_title(plot.title, loc="left", fontweight="bold")
    axes.set_ylabel(plot.unit)
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=[1, 2, 5]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xticks(range(len(plot.places)), [place.replace(", ", ",\n") for place in plot.places])
    axes.set_xlim(-0.5, len(plot.places) - 0.5)
    axes.grid(axis="y", alpha=0.3)
