"""Latency: by percentile, and against the number of users."""

import math

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .axes import label_ends, log_ticks
from .palette import INK, KIND_STYLES, LINE_COLOURS, SERIES_COLOURS, STYLE
from .panels import drawable, not_measured, one_panel, present

MAX_LABEL_CHARACTERS = 48
PERCENTILES = (0, 50, 75, 90, 95, 99, 99.9, 99.99)


@matplotlib.rc_context(STYLE)
def percentile_curves(frame: pd.DataFrame) -> Figure:
    """Latency at each percentile, on a scale that gives each further nine of the tail the same room.

    Columns: `series`, `nines` (of the percentile 1 − 10**−nines) and `latency_ms` (over 0) there, in rising order.
    """
    frame = drawable(frame, ["series", "nines", "latency_ms"])
    if frame.empty:
        return not_measured()
    figure, axes = one_panel(4.0)
    ends = []
    for name in present(frame["series"], SERIES_COLOURS):
        curve = frame[frame["series"] == name]
        axes.plot(curve["nines"], curve["latency_ms"], color=SERIES_COLOURS[name], linewidth=2)
        ends.append((curve["nines"].iloc[-1], curve["latency_ms"].iloc[-1], name))
    _percentile_axis(axes, max(0.5, *(x for x, _, _ in ends)))
    axes.set_ylabel("latency, logarithmic scale")
    axes.set_yscale("log")
    log_ticks(axes.yaxis)
    axes.grid(axis="x", linewidth=0.4)
    label_ends(axes, ends)
    return figure


@matplotlib.rc_context(STYLE)
def endpoint_percentiles(frame: pd.DataFrame) -> Figure:
    """Latency at each percentile of the endpoints of any application, on the axes of `percentile_curves`.

    Columns: `endpoint` (at most as many as `LINE_COLOURS`; None for all together), `nines`, `latency_ms` (over 0).
    """
    frame = frame.dropna(subset=["nines", "latency_ms"])
    if frame.empty:
        return not_measured()
    figure, axes = one_panel(4.0)
    tones, lines = iter(LINE_COLOURS), {}
    for name, curve in frame.groupby("endpoint", sort=False, dropna=False):
        label = "all requests" if pd.isna(name) else cleaned(redacted(str(name)), Target.FIGURE, MAX_LABEL_CHARACTERS)
        colour, linestyle = (INK["ink"], "--") if pd.isna(name) else (next(tones), "-")
        (line,) = axes.plot(curve["nines"], curve["latency_ms"], color=colour, linestyle=linestyle, linewidth=2)
        lines[line] = label
    _percentile_axis(axes, max(0.5, frame["nines"].max()))
    axes.set_ylabel("latency, logarithmic scale")
    axes.set_yscale("log")
    log_ticks(axes.yaxis)
    axes.grid(axis="x", linewidth=0.4)
    figure.legend([*lines], [*lines.values()], loc="outside upper left", ncols=2, handlelength=1.6)
    return figure


def _percentile_axis(axes: Axes, last: float) -> None:
    """Ticks of the x axis, whose unit is nines, up to `last`."""
    ticks = {-math.log10(1 - p / 100): f"{p:g}" if p else "min" for p in PERCENTILES}
    axes.set_xticks(*zip(*((x, text) for x, text in ticks.items() if x <= last + 0.01), strict=True))
    axes.set_xlim(0, last * 1.01)
    axes.set_xlabel("percentile of the requests")


@matplotlib.rc_context(STYLE)
def burst_growth(frame: pd.DataFrame) -> Figure:
    """Mean latency against the size of the burst: predicted by the queueing model, measured, and published.

    Columns: `users` (over 0), `series`, `kind` (predicted: a line; measured: a dot; published: a ring),
    `mean_ms` (over 0).
    """
    frame = drawable(frame, ["users", "series", "kind", "mean_ms"])
    if frame.empty:
        return not_measured()
    figure, axes = one_panel(4.2)
    ends = []
    for name in present(frame["series"], SERIES_COLOURS):
        rows = frame[frame["series"] == name].sort_values("users")
        for kind, style in KIND_STYLES.items():
            points = rows[rows["kind"] == kind]
            axes.plot(points["users"], points["mean_ms"], color=SERIES_COLOURS[name], **style)
        if set(rows["kind"]) != {"published"}:
            ends.append((rows["users"].iloc[-1], rows["mean_ms"].iloc[-1], name))
    axes.set(xscale="log", yscale="log", xlabel="users of the burst, logarithmic scale")
    axes.set_ylabel("mean latency, logarithmic scale")
    axes.margins(x=0.02)
    _user_ticks(axes, frame)
    log_ticks(axes.yaxis)
    label_ends(axes, ends)
    kinds = present(frame["kind"], KIND_STYLES)
    handles = [Line2D([], [], color=INK["muted"], **KIND_STYLES[kind]) for kind in kinds]
    figure.legend(handles, kinds, loc="outside upper left", ncols=len(kinds))
    return figure


def _user_ticks(axes: Axes, frame: pd.DataFrame) -> None:
    """Ticks of the x axis at both ends of the table and at every size that was measured or published."""
    observed = frame.loc[frame["kind"] != "predicted", "users"]
    users = sorted({frame["users"].min(), *observed, frame["users"].max()})
    axes.set_xticks(users, [f"{count:g}" for count in users])
    axes.xaxis.set_minor_locator(NullLocator())
