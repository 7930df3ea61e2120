"""Latency: by endpoint, by percentile, and against the number of users."""

import math

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from .axes import duration, label_ends, log_ticks
from .palette import ENDPOINTS, INK, SERIES, STYLE
from .panels import known, not_measured, one_panel, present

KINDS = {
    "predicted": {"linewidth": 1.8},
    "measured": {"linestyle": "none", "marker": "o", "markersize": 6},
    "published": {
        "linestyle": "none",
        "marker": "o",
        "markersize": 10,
        "markerfacecolor": "none",
        "markeredgewidth": 1.6,
        "zorder": 3,
    },
}
PERCENTILES = (0, 50, 75, 90, 95, 99, 99.9, 99.99)


@matplotlib.rc_context(STYLE)
def latency_bars(frame: pd.DataFrame) -> Figure:
    """Mean latency of each endpoint, one bar a series, on a logarithmic axis.

    Columns: `endpoint` (login, dashboard, search), `series`, `mean_ms` (over 0); several rows are averaged.
    """
    frame = known(frame, ["endpoint", "series", "mean_ms"])
    if frame.empty:
        return not_measured()
    endpoints, series = present(frame["endpoint"], ENDPOINTS), present(frame["series"], SERIES)
    figure, axes = one_panel(0.8 + len(endpoints) * (0.3 + 0.23 * len(series)))
    means = frame.groupby(["endpoint", "series"])["mean_ms"].mean()
    start = 10 ** math.floor(math.log10(means.min()) - 0.3)
    rows = []
    for group, endpoint in enumerate(endpoints):
        top = group * (len(series) + 1.2)
        axes.text(start, top - 0.85, endpoint, weight="bold", va="center")
        rows += [(top + i, endpoint, name) for i, name in enumerate(series) if (endpoint, name) in means]
    for y, endpoint, name in rows:
        mean_ms = means[endpoint, name]
        axes.barh(y, mean_ms - start, left=start, height=0.78, color=SERIES[name])
        axes.annotate(duration(mean_ms), (mean_ms, y), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks([y for y, _, _ in rows], [name for _, _, name in rows])
    axes.set_ylim(rows[-1][0] + 0.6, -1.4)
    axes.set_xscale("log")
    axes.set_xlim(start, means.max() * 1.6)
    log_ticks(axes.xaxis)
    axes.set_xlabel("mean latency, logarithmic scale")
    return figure


@matplotlib.rc_context(STYLE)
def percentile_curves(frame: pd.DataFrame) -> Figure:
    """Latency at each percentile, on a scale that gives each further nine of the tail the same room.

    Columns: `series`, `nines` (of the percentile 1 − 10**−nines) and `latency_ms` (over 0) there, in rising order.
    """
    frame = known(frame, ["series", "nines", "latency_ms"])
    if frame.empty:
        return not_measured()
    figure, axes = one_panel(4.0)
    ends = []
    for name in present(frame["series"], SERIES):
        own = frame[frame["series"] == name]
        axes.plot(own["nines"], own["latency_ms"], color=SERIES[name], linewidth=2)
        ends.append((own["nines"].iloc[-1], own["latency_ms"].iloc[-1], name))
    last = max(0.5, *(x for x, _, _ in ends))
    ticks = {-math.log10(1 - p / 100): f"{p:g}" if p else "min" for p in PERCENTILES}
    axes.set_xticks(*zip(*((x, text) for x, text in ticks.items() if x <= last + 0.01), strict=True))
    axes.set_xlim(0, last * 1.01)
    axes.set_xlabel("percentile of the requests")
    axes.set_ylabel("latency, logarithmic scale")
    axes.set_yscale("log")
    log_ticks(axes.yaxis)
    axes.grid(axis="x", linewidth=0.4)
    label_ends(axes, ends)
    return figure


@matplotlib.rc_context(STYLE)
def burst_growth(frame: pd.DataFrame) -> Figure:
    """Mean latency against the size of the burst: what the queueing model says and what was seen.

    Columns: `users` (over 0), `series`, `kind` (predicted: a line; measured: a dot; published: a ring),
    `mean_ms` (over 0).
    """
    frame = known(frame, ["users", "series", "kind", "mean_ms"])
    if frame.empty:
        return not_measured()
    figure, axes = one_panel(4.2)
    ends = []
    for name in present(frame["series"], SERIES):
        own = frame[frame["series"] == name].sort_values("users")
        for kind, style in KINDS.items():
            points = own[own["kind"] == kind]
            axes.plot(points["users"], points["mean_ms"], color=SERIES[name], **style)
        if set(own["kind"]) != {"published"}:
            ends.append((own["users"].iloc[-1], own["mean_ms"].iloc[-1], name))
    axes.set(xscale="log", yscale="log", xlabel="users of the burst, logarithmic scale")
    axes.set_ylabel("mean latency, logarithmic scale")
    axes.margins(x=0.02)
    seen = frame.loc[frame["kind"] != "predicted", "users"]
    users = sorted({frame["users"].min(), *seen, frame["users"].max()})
    axes.set_xticks(users, [f"{count:g}" for count in users])
    axes.xaxis.set_minor_locator(NullLocator())
    log_ticks(axes.yaxis)
    label_ends(axes, ends)
    kinds = [kind for kind in KINDS if kind in set(frame["kind"])]
    handles = [Line2D([], [], color=INK["muted"], **KINDS[kind]) for kind in kinds]
    figure.legend(handles, kinds, loc="outside upper left", ncols=len(kinds))
    return figure
