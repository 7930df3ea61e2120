"""Mean latency against the number of users: predicted curves, and the loads that were measured."""

from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from workbench.arms import LABELS

from .axes import duration, label_ends, log_ticks
from .marks import mark
from .palette import INK, SERIES_COLOURS, STYLE
from .panels import drawable, is_narrow, not_measured, one_panel, present

USER_TICKS = (1, 5, 10, 50, 100, 500, 1000, 5000)
DECADES = (1, 10, 100, 1000)
PREDICTED: dict[str, Any] = {"linewidth": 1.8, "linestyle": (0, (4, 2))}
MEASURED: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 8}


@matplotlib.rc_context(STYLE)
def users_curve(points: pd.DataFrame, marked_users: int) -> Figure:
    """Draw a dashed line for what is predicted, and dots for what was measured.

    Columns: `series`, `users` and `mean_ms` (both over 0), `kind` (predicted or measured). A line stands at
    `marked_users`, the published number.
    """
    points = drawable(points, ["series", "users", "mean_ms", "kind"])
    if points.empty:
        return not_measured()
    figure, axes = one_panel(3.1 if is_narrow() else 2.1)
    ends = []
    for name in present(points["series"], SERIES_COLOURS):
        rows = points[points["series"] == name].sort_values("users")
        predicted, measured = (rows[rows["kind"] == kind] for kind in ("predicted", "measured"))
        colour = SERIES_COLOURS[name]
        (curve,) = axes.plot(predicted["users"], predicted["mean_ms"], color=colour, **PREDICTED)
        mark(curve, series=LABELS[name], tip=f"{LABELS[name]}, predicted")
        for users, mean_ms in zip(measured["users"], measured["mean_ms"], strict=True):
            (dot,) = axes.plot([users], [mean_ms], color=colour, **MEASURED)
            mark(dot, series=LABELS[name], tip=f"{LABELS[name]}, {users} users: {duration(mean_ms)}")
        last = rows.iloc[-1]
        ends.append((last["users"], last["mean_ms"], name))
    axes.axvline(marked_users, color=INK["muted"], linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="users with 1–3 s of think time")
    axes.annotate(f"{marked_users}+ users, as published", (marked_users, 1), (-5, -10), ("data", "axes fraction"),
                  "offset points", ha="right", color=INK["muted"])  # fmt: skip
    _ticks(axes)
    handles = [Line2D([], [], color=INK["muted"], **style) for style in (PREDICTED, MEASURED)]
    names = ["predicted", "measured"]
    if is_narrow():  # the labels at line ends would cover the lines
        handles += [Line2D([], [], color=SERIES_COLOURS[name], linewidth=4) for _, _, name in ends]
        names += [LABELS[name] for _, _, name in ends]
    else:
        label_ends(axes, ends)
    figure.legend(handles, names, loc="outside upper left", ncols=1 if is_narrow() else 2)
    return figure


def _ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    ticks = [tick for tick in (DECADES if is_narrow() else USER_TICKS) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("" if is_narrow() else "mean latency")
    log_ticks(axes.yaxis)
