"""The chart of a run that goes on: percentiles, throughput, requests in flight and pool use, a point a second."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from loadgen.run_seconds import Second

from . import plot_style

SHOWN_SECONDS = 180
HEIGHT_PX = 480
RED = "#c0392b"
# Trace: the field of a second, its panel, its name, its colour.
TRACES = (
    ("median_ms", 1, "p50", "#5b9bd5"),
    ("p95_ms", 1, "p95", "#d98032"),
    ("p99_ms", 1, "p99", "#9b6fc0"),
    ("successes", 2, "successful", "#4a9a62"),
    ("failures", 2, "failed", RED),
    ("in_flight", 3, "requests", "#5b9bd5"),
    ("pool_in_use", 3, "connections in use", "#d98032"),
    ("pool_waiting", 3, "callers waiting for one", RED),
)


def chart() -> go.FigureWidget:
    """An empty chart."""
    titles = ["time of the successful responses (ms)", "responses a second", "in flight"]
    made = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.08, subplot_titles=titles)
    plot_style.in_style(made, HEIGHT_PX)
    made.update_annotations(font={"size": 12}, x=0, xanchor="left")
    for row in (1, 2, 3):
        made.update_layout({_legend(row): _legend_above(made.layout[f"yaxis{row}"].domain[1])})
    for name, row, label, colour in TRACES:
        line = {"color": colour, "width": 1.5}
        trace = go.Scatter(x=[], y=[], name=label, mode="lines", line=line, meta=name, legend=_legend(row))
        made.add_trace(trace, row=row, col=1)
    made.update_yaxes(plot_style.log_axis(), row=1, col=1)
    made.update_yaxes(rangemode="tozero", row=2, col=1)
    made.update_yaxes(rangemode="tozero", row=3, col=1)
    made.update_xaxes(title="seconds since the first request", row=3, col=1)
    return plot_style.interactive(made)


def _legend(row: int) -> str:
    """The name of the legend of a panel."""
    return "legend" if row == 1 else f"legend{row}"


def _legend_above(top: float) -> dict[str, Any]:
    """A legend above a panel that ends at this height, beside the title."""
    return {"orientation": "h", "x": 1, "xanchor": "right", "yref": "paper", "y": top, "yanchor": "bottom"}


def update(made: go.FigureWidget, seconds: Sequence[Second]) -> None:
    """Draw these seconds in the place of those before."""
    at_s = [second.second for second in seconds]
    with made.batch_update():
        for trace in made.data:
            trace.x, trace.y = at_s, [getattr(second, trace.meta) for second in seconds]
