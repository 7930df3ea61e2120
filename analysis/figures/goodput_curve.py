"""Goodput against the offered load: what a deployment still makes of more requests than it sustains."""

from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from .marks import mark
from .palette import INK, SERIES_COLOURS, STYLE
from .panels import drawable, is_narrow, not_measured, one_panel, present

RATE_TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
HEADROOM = 1.25  # of the axis above the largest goodput


@matplotlib.rc_context(STYLE)
def goodput_curve(points: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw a line with dots for each series, and the ideal: every request is answered in time.

    Columns: `series`, `offered_rps` (over 0) and `goodput_rps`, both in requests/s. `labels` are the names of series.
    """
    points = drawable(points, ["series", "offered_rps", "goodput_rps"])
    if points.empty:
        return not_measured()
    figure, axes = one_panel(3.1 if is_narrow() else 2.3)
    series = present(points["series"], SERIES_COLOURS)
    for name in series:
        rows = points[points["series"] == name].sort_values("offered_rps")
        axes.plot(rows["offered_rps"], rows["goodput_rps"], color=SERIES_COLOURS[name], linewidth=1.8)
        for offered_rps, goodput_rps in zip(rows["offered_rps"], rows["goodput_rps"], strict=True):
            (dot,) = axes.plot([offered_rps], [goodput_rps], marker="o", markersize=8, color=SERIES_COLOURS[name])
            tip = f"{labels[name]}: {goodput_rps:,.0f} of {offered_rps:,.0f} requests/s"
            mark(dot, series=labels[name], tip=tip)
    _ideal(axes, points)
    _scales(axes, points)
    handles = [Line2D([], [], color=SERIES_COLOURS[name], linewidth=4) for name in series]
    handles.append(Line2D([], [], color=INK["muted"], linestyle=(0, (4, 2))))
    names = [*(labels[name] for name in series), "every request in time"]
    figure.legend(handles, names, loc="outside upper left", ncols=1 if is_narrow() else len(names))
    return figure


def _ideal(axes: Axes, points: pd.DataFrame) -> None:
    """A goodput as large as the offered load, which is a curve on a logarithmic axis."""
    low, high = points["offered_rps"].min() / 1.2, points["offered_rps"].max() * 1.2
    rates = np.geomspace(low, high, 100)
    axes.plot(rates, rates, color=INK["muted"], linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_xscale("log")
    axes.set_xlim(low, high)


def _scales(axes: Axes, points: pd.DataFrame) -> None:
    low, high = axes.get_xlim()
    ticks = [tick for tick in RATE_TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, HEADROOM * max(points["goodput_rps"].max(), 1))
    axes.set_xlabel("offered load, requests/s")
    axes.set_ylabel("" if is_narrow() else "goodput, requests/s")
    axes.grid(axis="y")
