"""Published and measured values side by side: a ring and a dot in a row, on a logarithmic scale."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.arms import LABELS

from .axes import duration, log_ticks
from .marks import mark
from .palette import INK, SERIES_COLOURS, STYLE
from .panels import is_narrow, not_measured, one_panel

ROW_INCHES, NARROW_ROW_INCHES = 0.25, 0.36
PUBLISHED = "published"


class Pair(NamedTuple):
    """A published and a measured value (ms, above 0), and the interval of the measured one, if there is one."""

    label: str
    published_ms: float
    measured_ms: float
    interval_ms: tuple[float, float] | None


@matplotlib.rc_context(STYLE)
def dumbbell(pairs: Sequence[Pair], measured: str) -> Figure:
    """Draw a row for each pair; `measured` is the series of the measured values."""
    if not pairs:
        return not_measured()
    figure, axes = one_panel(0.75 + (NARROW_ROW_INCHES if is_narrow() else ROW_INCHES) * len(pairs))
    axes.set_xscale("log")
    for y, pair in enumerate(pairs):
        _row(axes, y, pair, measured)
        _label(axes, y, pair)
    times_ms = [time_ms for pair in pairs for time_ms in (pair.published_ms, pair.measured_ms)]
    axes.set_xlim(min(times_ms) / 1.5, max(times_ms) * (1.5 if is_narrow() else 4))
    axes.set_ylim(len(pairs) - 0.4, -0.9 if is_narrow() else -0.6)
    log_ticks(axes.xaxis)
    axes.set_yticks([])
    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=8, color=SERIES_COLOURS[name], markerfacecolor=face)
        for name, face in ((PUBLISHED, INK["face"]), (measured, SERIES_COLOURS[measured]))
    ]
    figure.legend(handles, [PUBLISHED, LABELS[measured]], loc="outside upper left", ncols=2)
    return figure


def _row(axes: Axes, y: int, pair: Pair, measured: str) -> None:
    axes.plot([pair.published_ms, pair.measured_ms], [y, y], color=INK["grid"], linewidth=3, zorder=1)
    (ring,) = axes.plot([pair.published_ms], [y], "o", markersize=8, color=SERIES_COLOURS[PUBLISHED], zorder=2,
                        markerfacecolor=INK["face"], markeredgewidth=1.8)  # fmt: skip
    mark(ring, series=PUBLISHED, tip=f"{pair.label}, published: {duration(pair.published_ms)}")
    ends = ""
    if pair.interval_ms:
        axes.plot(pair.interval_ms, [y, y], color=SERIES_COLOURS[measured], linewidth=2, zorder=2)
        ends = f" ({duration(pair.interval_ms[0])} to {duration(pair.interval_ms[1])})"
    (dot,) = axes.plot([pair.measured_ms], [y], "o", markersize=7, color=SERIES_COLOURS[measured], zorder=3)
    mark(dot, series=LABELS[measured], tip=f"{pair.label}: {duration(pair.measured_ms)}{ends}")


def _label(axes: Axes, y: int, pair: Pair) -> None:
    """The name and both values: beside the axis, or above the row where there is no room beside it."""
    across = axes.get_yaxis_transform()
    text = f"{duration(pair.published_ms)} → {duration(pair.measured_ms)}"
    if is_narrow():
        axes.text(0, y - 0.42, f"{pair.label}: {text}", transform=across, va="center", color=INK["ink"])
        return
    axes.text(-0.01, y, pair.label, transform=across, va="center", ha="right", color=INK["ink"])
    axes.annotate(text, (max(pair.published_ms, pair.measured_ms), y), (9, 0), textcoords="offset points", va="center",
                  color=INK["muted"])  # fmt: skip
