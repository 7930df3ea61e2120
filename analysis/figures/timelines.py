"""What happened over the time of a load: every request of a burst, and the connections of the pools."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .axes import clock, duration
from .palette import ENDPOINTS, INK, SERIES, STATES, STYLE
from .panels import known, not_measured, present, stacked_panels


@matplotlib.rc_context(STYLE)
def timeline(frame: pd.DataFrame) -> Figure:
    """Every request of one burst from its send to its response, one panel a series on the same time axis.

    Columns: `series`, `endpoint`, `start_ms` (from any origin: a series begins with its first request),
    `latency_ms`, and `user`: the requests of a user share a line, the user answered first on top. Without
    `user` each request has its own line.
    """
    frame = known(frame, ["series", "endpoint", "start_ms", "latency_ms"])
    if frame.empty:
        return not_measured()
    start_ms = frame["start_ms"] - frame.groupby("series")["start_ms"].transform("min")
    frame = frame.assign(start_ms=start_ms, end_ms=start_ms + frame["latency_ms"])
    series = present(frame["series"], SERIES)
    figure, panels = stacked_panels(len(series), 0.75 + 1.9 * len(series), sharex=True)
    for axes, name in zip(panels, series, strict=True):
        _burst(axes, frame[frame["series"] == name])
        axes.set_title(name)
    last_ms = frame["end_ms"].max()
    panels[-1].set_xlim(0, last_ms * 1.02)
    panels[-1].set_xlabel("time since the burst began")
    for axes in panels:
        axes.xaxis.set_major_formatter(clock(last_ms))
    endpoints = present(frame["endpoint"], ENDPOINTS)
    handles = [Line2D([], [], color=ENDPOINTS[endpoint], linewidth=4) for endpoint in endpoints]
    figure.legend(handles, endpoints, loc="outside upper left", ncols=len(endpoints), handlelength=1.2)
    return figure


@matplotlib.rc_context(STYLE)
def pool_use(frame: pd.DataFrame) -> Figure:
    """Connections over time by state, one panel a series, with a line at the most that the pool may open.

    Columns: `series`, `at_s`, `state` (used, idle, waiting), `connections`, `limit`.
    """
    frame = known(frame, ["series", "state", "at_s", "connections", "limit"])
    if frame.empty:
        return not_measured()
    series = present(frame["series"], SERIES)
    figure, panels = stacked_panels(len(series), 0.6 + 1.7 * len(series))
    for axes, name in zip(panels, series, strict=True):
        own = frame[frame["series"] == name].sort_values("at_s")
        for state in present(own["state"], STATES):
            points = own[own["state"] == state]
            axes.plot(points["at_s"], points["connections"], color=STATES[state], drawstyle="steps-post", linewidth=1.8)
        limit = own["limit"].max()
        axes.axhline(limit, color=INK["muted"], linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(f"most allowed: {limit:g}", (1, limit), (-4, -4), ("axes fraction", "data"), "offset points",
                      ha="right", va="top", color=INK["muted"])  # fmt: skip
        axes.set_ylim(0, max(limit, own["connections"].max()) * 1.12)
        axes.set_xlim(left=0)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(axis="x", pad=7)
        axes.grid(axis="y")
        axes.set_title(name)
    panels[-1].set_xlabel("seconds since the load began")
    states = present(frame["state"], STATES)
    handles = [Line2D([], [], color=STATES[state], linewidth=3) for state in states]
    figure.legend(handles, states, loc="outside upper left", ncols=len(states), handlelength=1.2)
    return figure


def _burst(axes: Axes, own: pd.DataFrame) -> None:
    told = "user" in own and own["user"].notna().all()
    lines = own["user"] if told else pd.Series(range(len(own)), own.index)
    first_answer_ms = own["end_ms"].groupby(lines).min().rank(method="first")
    rows = lines.map(first_answer_ms)
    thickness = min(4.0, 85 / len(first_answer_ms))
    for endpoint, colour in ENDPOINTS.items():
        of = own["endpoint"] == endpoint
        # One broken line for all requests of an endpoint: a path for each makes the page far heavier.
        x_ms = np.column_stack([own["start_ms"][of], own["end_ms"][of], np.full(of.sum(), np.nan)]).ravel()
        y = np.repeat(rows[of].to_numpy(), 3)
        axes.plot(x_ms, y, color=colour, linewidth=thickness, solid_capstyle="butt")
    last_ms = own["end_ms"].max()
    axes.axvline(last_ms, color=INK["muted"], linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_ylim(len(first_answer_ms) + 1, 0)
    axes.set_yticks([])
    axes.grid(axis="x")
    summary = f"all {len(own)} answered after {duration(last_ms)}"
    axes.set_title(summary, loc="right", color=INK["muted"], weight="normal")
