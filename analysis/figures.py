"""The figures of the report: one pure function each, from a table to a matplotlib Figure.

Columns ending in `_ms` are milliseconds. Rows with a missing value are left out, a series that is not there
is not drawn, and a table without rows gives a figure that says "not measured". A series, an endpoint or a
part has the same place and the same colour in every figure; a name outside these lists raises ValueError.
Nothing here touches pyplot's global state.
"""

import math
from collections.abc import Iterable

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from .axes import clock, duration, label_ends, log_ticks
from .palette import ENDPOINTS, INK, PARTS, SERIES, STATES, STYLE, WIDTH_INCHES

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
KNOWN = {"series": SERIES, "endpoint": ENDPOINTS, "part": PARTS, "kind": KINDS, "state": STATES}
PERCENTILES = (0, 50, 75, 90, 95, 99, 99.9, 99.99)


@matplotlib.rc_context(STYLE)
def latency_bars(frame: pd.DataFrame) -> Figure:
    """Mean latency of each endpoint, one bar a series, on a logarithmic axis.

    Columns: `endpoint` (login, dashboard, search), `series`, `mean_ms` (over 0); several rows are averaged.
    """
    frame = _known(frame, ["endpoint", "series", "mean_ms"])
    if frame.empty:
        return _not_measured()
    endpoints, series = _present(frame["endpoint"], ENDPOINTS), _present(frame["series"], SERIES)
    figure, axes = _figure(0.8 + len(endpoints) * (0.3 + 0.23 * len(series)))
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

    Columns: `series`, `latency_ms` (over 0), one row a request. A curve of n requests ends at 1 − 1/n, the
    last percentile that they support.
    """
    frame = _known(frame, ["series", "latency_ms"])
    if frame.empty:
        return _not_measured()
    figure, axes = _figure(4.0)
    ends = []
    for name in _present(frame["series"], SERIES):
        latency_ms = frame.loc[frame["series"] == name, "latency_ms"]
        nines = np.linspace(0, math.log10(len(latency_ms)), 200)
        values_ms = np.quantile(latency_ms, 1 - 10**-nines)
        axes.plot(nines, values_ms, color=SERIES[name], linewidth=2)
        ends.append((nines[-1], values_ms[-1], name))
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
def time_split(frame: pd.DataFrame) -> Figure:
    """Where the mean latency goes, one panel a series, each with an axis of its own.

    Columns: `series`, `endpoint`, `part` (queue, pool, db, hash, cache, session, rest, residual), `mean_ms`
    (several rows are averaged; a negative residual is drawn as nothing).
    """
    frame = _known(frame, ["series", "endpoint", "part", "mean_ms"])
    if frame.empty:
        return _not_measured()
    series, parts = _present(frame["series"], SERIES), _present(frame["part"], PARTS)
    figure, panels = _panels(len(series), 0.55 + 1.45 * len(series))
    for axes, name in zip(panels, series, strict=True):
        split = frame[frame["series"] == name].pivot_table("mean_ms", "endpoint", "part").clip(lower=0)
        _stack(axes, split.reindex(index=_present(split.index, ENDPOINTS), columns=parts).fillna(0))
        axes.set_title(name)
    panels[-1].set_xlabel("mean latency; each panel has its own scale")
    figure.legend(
        [Patch(color=PARTS[part]) for part in parts],
        parts,
        loc="outside upper left",
        ncols=len(parts),
        handlelength=0.9,
        columnspacing=1.3,
    )
    return figure


@matplotlib.rc_context(STYLE)
def timeline(frame: pd.DataFrame) -> Figure:
    """Every request of one burst from its send to its response, one panel a series on the same time axis.

    Columns: `series`, `endpoint`, `start_ms` (from any origin: a series begins with its first request),
    `latency_ms`, and `user`: the requests of a user share a line, the user answered first on top. Without
    `user` each request has its own line.
    """
    frame = _known(frame, ["series", "endpoint", "start_ms", "latency_ms"])
    if frame.empty:
        return _not_measured()
    start_ms = frame["start_ms"] - frame.groupby("series")["start_ms"].transform("min")
    frame = frame.assign(start_ms=start_ms, end_ms=start_ms + frame["latency_ms"])
    series = _present(frame["series"], SERIES)
    figure, panels = _panels(len(series), 0.75 + 1.9 * len(series), sharex=True)
    for axes, name in zip(panels, series, strict=True):
        _burst(axes, frame[frame["series"] == name])
        axes.set_title(name)
    last_ms = frame["end_ms"].max()
    panels[-1].set_xlim(0, last_ms * 1.02)
    panels[-1].set_xlabel("time since the burst began")
    for axes in panels:
        axes.xaxis.set_major_formatter(clock(last_ms))
    endpoints = _present(frame["endpoint"], ENDPOINTS)
    handles = [Line2D([], [], color=ENDPOINTS[endpoint], linewidth=4) for endpoint in endpoints]
    figure.legend(handles, endpoints, loc="outside upper left", ncols=len(endpoints), handlelength=1.2)
    return figure


@matplotlib.rc_context(STYLE)
def burst_growth(frame: pd.DataFrame) -> Figure:
    """Mean latency against the size of the burst: what the queueing model says and what was seen.

    Columns: `users` (over 0), `series`, `kind` (predicted: a line; measured: a dot; published: a ring),
    `mean_ms` (over 0).
    """
    frame = _known(frame, ["users", "series", "kind", "mean_ms"])
    if frame.empty:
        return _not_measured()
    figure, axes = _figure(4.2)
    ends = []
    for name in _present(frame["series"], SERIES):
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


@matplotlib.rc_context(STYLE)
def pool_use(frame: pd.DataFrame) -> Figure:
    """Connections over time by state, one panel a series, with a line at the most that the pool may open.

    Columns: `series`, `at_s`, `state` (used, idle, waiting), `connections`, `limit`.
    """
    frame = _known(frame, ["series", "state", "at_s", "connections", "limit"])
    if frame.empty:
        return _not_measured()
    series = _present(frame["series"], SERIES)
    figure, panels = _panels(len(series), 0.6 + 1.7 * len(series))
    for axes, name in zip(panels, series, strict=True):
        own = frame[frame["series"] == name].sort_values("at_s")
        for state in _present(own["state"], STATES):
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
    states = _present(frame["state"], STATES)
    handles = [Line2D([], [], color=STATES[state], linewidth=3) for state in states]
    figure.legend(handles, states, loc="outside upper left", ncols=len(states), handlelength=1.2)
    return figure


def _known(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The rows that can be drawn, once every name in them is one that has a colour."""
    frame = frame.dropna(subset=columns)
    for column, names in (
        ("series", SERIES),
        ("endpoint", ENDPOINTS),
        ("part", PARTS),
        ("kind", KINDS),
        ("state", STATES),
    ):
        unknown = set(frame[column]) - set(names) if column in columns else ()
        if unknown:
            raise ValueError(f"unknown {column}: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    return frame


def _present(values: Iterable[str], known: dict[str, str]) -> list[str]:
    found = set(values)
    return [name for name in known if name in found]


def _figure(height_inches: float) -> tuple[Figure, Axes]:
    figure, (axes,) = _panels(1, height_inches)
    return figure, axes


def _panels(count: int, height_inches: float, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    return figure, list(figure.subplots(count, 1, sharex=sharex, squeeze=False)[:, 0])


def _not_measured() -> Figure:
    figure, axes = _figure(1.2)
    axes.set_axis_off()
    axes.text(0.5, 0.5, "not measured", ha="center", va="center", color=INK["muted"])
    return figure


def _stack(axes: Axes, split: pd.DataFrame) -> None:
    """Stacked bars, a row for each endpoint, a column for each part; what has room for its name has it."""
    totals_ms = split.sum(axis=1)
    limit_ms = max(totals_ms.max() * 1.12, 0.01)
    starts_ms = split.cumsum(axis=1) - split
    for part in split.columns:
        axes.barh(
            split.index,
            split[part],
            left=starts_ms[part],
            color=PARTS[part],
            edgecolor=INK["face"],
            linewidth=0.5,
            height=0.76,
        )
        for endpoint, width_ms in split[part].items():
            text = _fitting([f"{part} {duration(width_ms)}", part], width_ms / limit_ms)
            middle_ms = starts_ms.loc[endpoint, part] + width_ms / 2
            axes.text(middle_ms, endpoint, text, color=INK["face"], ha="center", va="center")
    for endpoint, total_ms in totals_ms.items():
        axes.annotate(duration(total_ms), (total_ms, endpoint), (4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, limit_ms)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(clock(limit_ms))
    axes.grid(axis="x")


def _fitting(texts: list[str], share: float) -> str:
    """The longest of the texts that fits into this share of an axis as wide as the figure."""
    room = share * (WIDTH_INCHES - 1) * 72 / (0.65 * STYLE["font.size"]) - 1
    return next((text for text in texts if len(text) <= room), "")


def _burst(axes: Axes, own: pd.DataFrame) -> None:
    lines = own["user"] if "user" in own else pd.Series(range(len(own)), own.index)
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
