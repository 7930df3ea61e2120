"""The time of a load: every request of a burst."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.arms import LABELS
from workbench.display import seconds_text

from .axes import clock
from .marks import mark
from .palette import ENDPOINT_COLOURS, INK, SERIES_COLOURS, STYLE
from .panels import drawable, is_narrow, not_measured, present, stacked_panels


@matplotlib.rc_context(STYLE)
def timeline(frame: pd.DataFrame) -> Figure:
    """Every request of one burst from its send to its response, one panel a series on the same time axis.

    Columns: `series`, `endpoint`, `start_ms` (from any origin: a series begins with its first request), `latency_ms`,
    and optionally `user`: the requests of a user share a line, and the user answered first is on top. Without `user`
    each request has its own line.
    """
    frame = drawable(frame, ["series", "endpoint", "start_ms", "latency_ms"])
    if frame.empty:
        return not_measured()
    start_ms = frame["start_ms"] - frame.groupby("series")["start_ms"].transform("min")
    frame = frame.assign(start_ms=start_ms, end_ms=start_ms + frame["latency_ms"])
    series = present(frame["series"], SERIES_COLOURS)
    figure, panels = stacked_panels(len(series), 0.6 + 1.1 * len(series), sharex=True)
    for axes, name in zip(panels, series, strict=True):
        label = LABELS.get(name, name)
        _burst(axes, frame[frame["series"] == name], label)
        axes.set_title(label)
    last_ms = frame["end_ms"].max()
    panels[-1].set_xlim(0, last_ms * 1.02)
    panels[-1].set_xlabel("time since the burst began")
    for axes in panels:
        axes.xaxis.set_major_formatter(clock(last_ms))
    endpoints = present(frame["endpoint"], ENDPOINT_COLOURS)
    handles = [Line2D([], [], color=ENDPOINT_COLOURS[endpoint], linewidth=4) for endpoint in endpoints]
    figure.legend(handles, endpoints, loc="outside upper left", ncols=len(endpoints), handlelength=1.2)
    return figure


def _burst(axes: Axes, requests: pd.DataFrame, label: str) -> None:
    """Draw the requests of one burst, a line for each user where users are known."""
    has_users = "user" in requests and requests["user"].notna().all()
    lines = requests["user"] if has_users else pd.Series(range(len(requests)), requests.index)
    rank = requests["end_ms"].groupby(lines).min().rank(method="first")
    rows = lines.map(rank)
    linewidth = min(4.0, 85 / len(rank))
    for endpoint, colour in ENDPOINT_COLOURS.items():
        chosen = requests["endpoint"] == endpoint
        # One broken line for all requests of an endpoint: a path for each makes the page far heavier.
        gap_ms = np.full(chosen.sum(), np.nan)
        x_ms = np.column_stack([requests["start_ms"][chosen], requests["end_ms"][chosen], gap_ms]).ravel()
        y = np.repeat(rows[chosen].to_numpy(), 3)
        (line,) = axes.plot(x_ms, y, color=colour, linewidth=linewidth, solid_capstyle="butt")
        if chosen.any():
            mark(line, series=endpoint)
    last_ms = requests["end_ms"].max()
    end = axes.axvline(last_ms, color=INK["muted"], linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_ylim(len(rank) + 1, 0)
    axes.set_yticks([])
    axes.grid(axis="x")
    failures = int((~requests["ok"]).sum()) if "ok" in requests else 0
    length, failed = seconds_text(last_ms / 1000), f", {failures} failed" if failures else ""
    whole = f"all {len(requests)} ended after {length}{failed}"
    mark(end, tip=f"{label}: {whole}")
    summary = f"{length}{failed}" if is_narrow() else whole
    axes.set_title(summary, loc="right", color=INK["muted"], weight="normal")
