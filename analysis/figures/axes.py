"""Ticks, units and labels that the axes of all figures share."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from workbench.arms import LABELS

from .palette import INK, SERIES_COLOURS
from .panels import is_narrow

LABEL_GAP = 0.06  # between two labels at line ends, as a share of the axis


def duration(milliseconds: float) -> str:
    """Format a duration with two digits and a unit: `0.4 ms`, `87 ms`, `9.9 s`, `25 s`."""
    value, unit = (milliseconds, "ms") if milliseconds < 999.5 else (milliseconds / 1000, "s")
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def label_ends(axes: Axes, ends: list[tuple[float, float, str]]) -> None:
    """Write the label of each series at the end (x, y, name) of its line, after a dot of its colour.

    The y axis is logarithmic. Labels that would overlap move up. On a phone a label stands above its line.
    """
    low, high = np.log10(axes.get_ylim())
    previous = -math.inf
    for x, y, name in sorted(ends, key=lambda end: end[1]):
        previous = max(math.log10(y), previous + LABEL_GAP * (high - low))
        text = LABELS.get(name, name)
        if is_narrow():
            axes.annotate(text, (x, 10**previous), (0, 7), textcoords="offset points", ha="right",
                          color=SERIES_COLOURS[name])  # fmt: skip
            continue
        for offset, piece, colour in ((6, "●", SERIES_COLOURS[name]), (18, text, INK["ink"])):
            axes.annotate(piece, (x, 10**previous), (offset, 0), textcoords="offset points", va="center", color=colour,
                          annotation_clip=False)  # fmt: skip


def log_ticks(axis: XAxis | YAxis) -> None:
    """Set ticks at the decades, or at 1, 2 and 5 where the axis spans few of them."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 50 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda milliseconds, _: _tick(milliseconds)))
    axis.set_minor_locator(NullLocator())
    axis.axes.grid(axis="x" if isinstance(axis, XAxis) else "y")


def _tick(milliseconds: float) -> str:
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


def clock(limit_ms: float) -> FuncFormatter:
    """Formatter for the ticks of a linear time axis: all in seconds if it ends at 1 s or later, else in ms."""
    divisor, unit = (1000, "s") if limit_ms >= 1000 else (1, "ms")
    return FuncFormatter(lambda milliseconds, _: f"{milliseconds / divisor:g} {unit}")
