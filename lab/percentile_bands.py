"""Percentiles of latency over time as bands: the median as a line, p50 to p90 and p90 to p99 as areas."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.metrics.run_metrics import OVER_TIME

from . import plot_style, texts

MEDIAN, COUNT = "median_ms", "successful"
BANDS = {"p90–p99": ("p90_ms", "p99_ms"), "p50–p90": (MEDIAN, "p90_ms")}  # the lighter one first, below the other
OPACITIES = {"p90–p99": 0.22, "p50–p90": 0.45}
COLOUR = plot_style.colour_of("", 1)


def supported(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the percentiles that an interval has too few responses for, and say how many those are.

    The quantile q takes 1 / (1 − q) successful responses: with fewer, it is the slowest of them. `table` is that of
    `run_metrics.over_time`.
    """
    kept, lines = table.copy(), []
    any_response = table[COUNT] > 0
    for name, quantile in OVER_TIME.items():
        least = round(1 / (1 - quantile))
        is_short = any_response & (table[COUNT] < least)
        if name != MEDIAN and is_short.any():
            kept[name] = table[name].where(~is_short)
            lines.append(f"{name.removesuffix('_ms')} in {int(is_short.sum())} (fewer than {least})")
    if not lines:
        return kept, []
    intervals = texts.counted(int(any_response.sum()), "interval")
    longer = "a longer one has more: run.over_time(interval_s=…)"
    return kept, [f"Left out for want of successful responses, of {intervals}: {', '.join(lines)}; {longer}."]


def add_bands(made: go.Figure, table: pd.DataFrame, width_s: float, row: int) -> None:
    """Add the bands and the median to a row of a figure; an interval of `width_s` without responses is a gap."""
    for name, (low, high) in BANDS.items():
        x, y = _outline(table, low, high, width_s)
        if x:
            made.add_trace(
                go.Scatter(
                    x=x, y=y, name=name, mode="lines", fill="toself", line={"width": 0}, hoverinfo="skip",
                    fillcolor=_transparent(COLOUR, OPACITIES[name]),
                ),
                row=row, col=1,
            )  # fmt: skip
    if table[MEDIAN].notna().any():
        _add_median(made, table, width_s, row)


def _add_median(made: go.Figure, table: pd.DataFrame, width_s: float, row: int) -> None:
    doubled = table.loc[table.index.repeat(2)]
    made.add_trace(
        go.Scatter(
            x=_edges(table, width_s), y=doubled[MEDIAN], name="median", mode="lines",
            line={"color": COLOUR, "width": 1.5}, customdata=[*map(_described, doubled.to_dict("records"))],
            hovertemplate="%{x:.2f} s: %{customdata}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _described(row: dict) -> str:
    """The percentiles of an interval, and the number of its successful responses."""
    known = [f"{name.removesuffix('_ms')} {texts.milliseconds(row[name])}" for name in OVER_TIME if row[name] > 0]
    return f"{', '.join(known)}, {texts.counted(int(row[COUNT]), 'successful response')}"


def _edges(table: pd.DataFrame, width_s: float) -> np.ndarray:
    """Start and end of each interval, one after the other."""
    return np.column_stack([table["at_s"], table["at_s"] + width_s]).ravel()


def _outline(table: pd.DataFrame, low: str, high: str, width_s: float) -> tuple[Sequence, Sequence]:
    """The corners of a band; a None stands between parts that are not neighbours."""
    is_known = table[[low, high]].notna().all(axis=1)
    x: list[float | None] = []
    y: list[float | None] = []
    for _, part in table[is_known].groupby((~is_known).cumsum()[is_known]):
        edges = _edges(part, width_s)
        x += [*edges, *edges[::-1], None]
        y += [*part[high].repeat(2), *part[low].repeat(2)[::-1], None]
    return x, y


def _transparent(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
