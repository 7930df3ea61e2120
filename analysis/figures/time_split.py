"""Where the time of requests goes, in the mean and in the tail."""

from itertools import pairwise

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from .axes import clock, duration
from .palette import ENDPOINTS, INK, PARTS, SERIES, STYLE, WIDTH_INCHES
from .panels import STATISTICS, known, not_measured, present, stacked_panels

BETWEEN_ENDPOINTS = 0.45  # in bars


@matplotlib.rc_context(STYLE)
def time_split(frame: pd.DataFrame) -> Figure:
    """Where the latency goes, one panel a series, each with an axis of its own.

    Columns: `series`, `endpoint`, `statistic` (mean: of all requests; p90–p99: of those in this band of latencies),
    `part` (queue, pool, db, hash, cache, session, rest, residual), `mean_ms` (several rows are averaged; a negative
    residual is drawn as nothing).
    """
    frame = known(frame, ["series", "endpoint", "statistic", "part", "mean_ms"])
    if frame.empty:
        return not_measured()
    series, parts = present(frame["series"], SERIES), present(frame["part"], PARTS)
    splits = {name: _bars(frame[frame["series"] == name], parts) for name in series}
    bars = sum(len(split) for split in splits.values())
    figure, panels = stacked_panels(len(series), 0.55 + 0.65 * len(series) + 0.27 * bars)
    for axes, (name, split) in zip(panels, splits.items(), strict=True):
        _stack(axes, split)
        axes.set_title(name)
    panels[-1].set_xlabel("latency; each panel has its own scale")
    figure.legend(
        [Patch(color=PARTS[part]) for part in parts],
        parts,
        loc="outside upper left",
        ncols=len(parts),
        handlelength=0.9,
        columnspacing=1.3,
    )
    return figure


def _bars(own, parts):
    """A row for each bar (endpoint, statistic) from above, a column for each part."""
    split = own.pivot_table("mean_ms", ["endpoint", "statistic"], "part").clip(lower=0)
    wanted = [(endpoint, statistic) for endpoint in ENDPOINTS for statistic in STATISTICS]
    return split.reindex(index=present(split.index, wanted), columns=parts).fillna(0)


def _stack(axes: Axes, split: pd.DataFrame) -> None:
    """Stacked bars; what has room for its name has it."""
    totals_ms = split.sum(axis=1)
    limit_ms = max(totals_ms.max() * 1.12, 0.01)
    starts_ms = split.cumsum(axis=1) - split
    places = _places(split.index)
    for part in split.columns:
        axes.barh(
            places,
            split[part],
            left=starts_ms[part],
            color=PARTS[part],
            edgecolor=INK["face"],
            linewidth=0.5,
            height=0.86,
        )
        for place, bar in zip(places, split.index, strict=True):
            width_ms = split.loc[bar, part]
            text = _fitting([f"{part} {duration(width_ms)}", part], width_ms / limit_ms)
            axes.text(starts_ms.loc[bar, part] + width_ms / 2, place, text, color=INK["face"], ha="center", va="center")
    for place, total_ms in zip(places, totals_ms, strict=True):
        axes.annotate(duration(total_ms), (total_ms, place), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [" ".join(bar) for bar in split.index])
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.set_xlim(0, limit_ms)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(clock(limit_ms))
    axes.grid(axis="x")


def _places(bars):
    """Where each bar stands: those of an endpoint close together."""
    endpoints = [endpoint for endpoint, _ in bars]
    gaps = [0] + [0 if left == right else BETWEEN_ENDPOINTS for left, right in pairwise(endpoints)]
    return [number + sum(gaps[: number + 1]) for number in range(len(endpoints))]


def _fitting(texts: list[str], share: float) -> str:
    """The longest of the texts that fits into this share of an axis as wide as the figure."""
    room = share * (WIDTH_INCHES - 1.6) * 72 / (0.65 * STYLE["font.size"]) - 1
    return next((text for text in texts if len(text) <= room), "")
