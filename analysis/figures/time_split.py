"""The split of the time of requests into its parts, in the mean and in the tail."""

from collections.abc import Iterable
from itertools import pairwise
from textwrap import fill

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from workbench.arms import LABELS
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .axes import clock, duration
from .palette import ENDPOINT_COLOURS, FONT_POINTS, INK, PART_COLOURS, SERIES_COLOURS, STYLE, WIDTH_INCHES
from .panels import STATISTICS, drawable, is_narrow, not_measured, one_panel, present, stacked_panels

MAX_NAME_CHARACTERS = 32  # of an endpoint beside its bar
BETWEEN_ENDPOINTS = 0.45  # in bars
NARROW_CHARACTERS = 26  # of a line of a title on a phone


@matplotlib.rc_context(STYLE)
def time_split(frame: pd.DataFrame) -> Figure:
    """Stacked bars of the parts of the latency, one panel a series, each with an axis of its own.

    Columns: `series`, `endpoint`, `statistic` (mean: of all requests; p90–p99: of those between these percentiles of
    latency), `part` (queue, pool, db, hash, cache, session, loop, rest, residual), `mean_ms` (several rows are
    averaged; a negative residual is drawn as nothing).
    """
    frame = drawable(frame, ["series", "endpoint", "statistic", "part", "mean_ms"])
    if frame.empty:
        return not_measured()
    series, parts = present(frame["series"], SERIES_COLOURS), present(frame["part"], PART_COLOURS)
    splits = {name: _bars(frame[frame["series"] == name], parts) for name in series}
    bars = sum(len(split) for split in splits.values())
    figure, panels = stacked_panels(len(series), 0.55 + 0.65 * len(series) + 0.27 * bars)
    for axes, (name, split) in zip(panels, splits.items(), strict=True):
        _stack(axes, split)
        label = LABELS.get(name, name)
        axes.set_title(fill(label, NARROW_CHARACTERS) if is_narrow() else label)
    panels[-1].set_xlabel("latency; each panel has its own scale")
    _part_legend(figure, parts)
    return figure


@matplotlib.rc_context(STYLE)
def endpoint_split(frame: pd.DataFrame) -> Figure:
    """Stacked bars of the parts of the mean latency of the endpoints of any application.

    Columns: `endpoint` (in the order of the bars), `part`, `mean_ms` (a negative residual is drawn as nothing).
    """
    frame = drawable(frame, ["part", "mean_ms"])
    if frame.empty:
        return not_measured()
    parts = present(frame["part"], PART_COLOURS)
    split = frame.pivot(index="endpoint", columns="part", values="mean_ms").clip(lower=0)[parts]
    split = split.reindex(frame["endpoint"].unique())
    names = [cleaned(redacted(name), Target.FIGURE, MAX_NAME_CHARACTERS) for name in split.index]
    split.index = pd.MultiIndex.from_tuples([(name, "") for name in names])
    figure, axes = one_panel(0.9 + 0.45 * len(split))
    _stack(axes, split)
    axes.set_xlabel("mean latency of successful responses")
    _part_legend(figure, parts)
    return figure


def _part_legend(figure: Figure, parts: list[str]) -> None:
    figure.legend(
        [Patch(color=PART_COLOURS[part]) for part in parts],
        parts,
        loc="outside upper left",
        ncols=3 if is_narrow() else len(parts),
        handlelength=0.9,
        columnspacing=1.3,
    )


def _bars(frame: pd.DataFrame, parts: list[str]) -> pd.DataFrame:
    """A row for each bar (endpoint, statistic) from above, a column for each part, in ms."""
    split = frame.pivot_table("mean_ms", ["endpoint", "statistic"], "part").clip(lower=0)
    bars = [(endpoint, statistic) for endpoint in ENDPOINT_COLOURS for statistic in STATISTICS]
    return split.reindex(index=[bar for bar in bars if bar in split.index], columns=parts).fillna(0)


def _stack(axes: Axes, split: pd.DataFrame) -> None:
    """Draw the bars of one panel; a part carries its name where the name fits."""
    totals_ms = split.sum(axis=1)
    limit_ms = max(totals_ms.max() * 1.12, 0.01)
    positions = _positions(split.index)
    _stack_parts(axes, split, positions, limit_ms)
    for y, total_ms in zip(positions, totals_ms, strict=True):
        axes.annotate(duration(total_ms), (total_ms, y), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(positions, [" ".join(bar).strip() for bar in split.index])
    axes.set_ylim(positions[-1] + 0.6, -0.6)
    axes.set_xlim(0, limit_ms)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(clock(limit_ms))
    axes.grid(axis="x")


def _stack_parts(axes: Axes, split: pd.DataFrame, positions: list[float], limit_ms: float) -> None:
    starts_ms = split.cumsum(axis=1) - split
    for part in split.columns:
        axes.barh(
            positions,
            split[part],
            left=starts_ms[part],
            color=PART_COLOURS[part],
            edgecolor=INK["face"],
            linewidth=0.5,
            height=0.86,
        )
        for y, width_ms, start_ms in zip(positions, split[part], starts_ms[part], strict=True):
            text = _fitting([f"{part} {duration(width_ms)}", part], width_ms / limit_ms)
            axes.text(start_ms + width_ms / 2, y, text, color=INK["face"], ha="center", va="center")


def _positions(bars: Iterable[tuple[str, str]]) -> list[float]:
    """The y of each bar, in bars: those of one endpoint close together."""
    endpoints = [endpoint for endpoint, _ in bars]
    gaps = [0.0] + [0.0 if left == right else BETWEEN_ENDPOINTS for left, right in pairwise(endpoints)]
    return [number + sum(gaps[: number + 1]) for number in range(len(endpoints))]


def _fitting(texts: list[str], share: float) -> str:
    """The first of the texts that fits into this share of an axis as wide as the figure, or nothing."""
    room = share * (WIDTH_INCHES - 1.6) * 72 / (0.65 * FONT_POINTS) - 1  # in characters
    return next((text for text in texts if len(text) <= room), "")
