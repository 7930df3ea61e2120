"""Latency over time as a heat map, with connections in use and CPU below it on the same axis."""

import math

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.recording import Run

from . import plot_style, texts
from .readings_over_time import add_cpu, add_pool, begin_us, since, unread
from .shown import Shown

COLUMNS = ["at_s", "latency_ms", "requests"]
TIME_BINS, LATENCY_BINS = 120, 40
HEIGHT_PX = 640


def heat_map(run: Run) -> Shown:
    """How many measured requests were sent at each time and took how long; both axes in bins, latency logarithmic."""
    table = _counts(run)
    if table.empty:
        return Shown([f"{run.name} measured no request with a latency."], table)
    made = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.6, 0.2, 0.2],
        subplot_titles=["latency (ms); blue is few requests, orange many", "connections in use", "CPU (cores)"],
    )  # fmt: skip
    plot_style.legend_below(plot_style.in_style(made, HEIGHT_PX))
    grid = table.pivot_table("requests", "latency_ms", "at_s")
    magnitudes = [
        [math.log10(count) if count > 0 else None for count in row] for row in grid.to_numpy()
    ]  # JSON has no NaN
    made.add_trace(
        go.Heatmap(
            x=grid.columns, y=grid.index, z=magnitudes, customdata=grid.fillna(0),
            colorscale=plot_style.HEAT, showscale=False,
            hovertemplate="%{x:.2f} s, %{y:.2f} ms: %{customdata} requests<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
    add_pool(made, run, 2)
    add_cpu(made, run, 3)
    made.update_yaxes(plot_style.log_axis(), row=1, col=1)
    made.update_xaxes(title=since(run), row=3, col=1)
    counted = texts.counted(int(table["requests"].sum()), "measured request")
    return Shown([f"{run.deployment} under {run.scenario}: {counted}", *unread(run)], table, made)


def _counts(run: Run) -> pd.DataFrame:
    """Rows (`COLUMNS`) for each bin with a request; a bin is named by its lower ends."""
    return run.rows.query(
        f"""
        WITH begun AS (
            SELECT (start_ms - ?) / 1000 AS at_s, log10(greatest(latency_ms, 0.001)) AS magnitude
            FROM measured WHERE latency_ms IS NOT NULL
        ), ends AS (
            SELECT min(at_s) AS first_s, greatest((max(at_s) - min(at_s)) / {TIME_BINS}, 1e-6) AS width_s,
                   min(magnitude) AS low, greatest((max(magnitude) - min(magnitude)) / {LATENCY_BINS}, 1e-6) AS step
            FROM begun
        )
        SELECT first_s + width_s * least(floor((at_s - first_s) / width_s), {TIME_BINS - 1}) AS at_s,
               10 ** (low + step * least(floor((magnitude - low) / step), {LATENCY_BINS - 1})) AS latency_ms,
               count(*) AS requests
        FROM begun, ends GROUP BY ALL ORDER BY ALL
        """,
        [begin_us(run) / 1000],
    )
