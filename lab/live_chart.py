"""The chart of a run that goes on: percentiles, throughput, requests in flight and pool use, a point a second.

A band over all panels is a fault of the scenario, while it was in force.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from loadgen.run_seconds import Second
from workbench.fault_bands import Band

from . import plot_style

SHOWN_SECONDS = 180
HEIGHT_PX = 480
RED = "#c0392b"
FAULT = "rgba(192, 57, 43, 0.18)"
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
    made.update_yaxes(plot_style.log_axis(is_low=True), row=1, col=1)
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


def update(made: go.FigureWidget, seconds: Sequence[Second], faults: Sequence[Band] = ()) -> None:
    """Draw these seconds and faults in the place of those before."""
    at_s = [second.second for second in seconds]
    with made.batch_update():
        for trace in made.data:
            trace.x, trace.y = at_s, [getattr(second, trace.meta) for second in seconds]
        if seconds:
            made.layout.shapes = [_band(fault) for fault in faults if fault.end_s >= at_s[0]]


def _band(fault: Band) -> dict[str, Any]:
    """A fault over all panels, as a shape; its edge shows one that lasted no time."""
    label = {"text": fault.title, "textposition": "top left", "font": {"size": 11, "color": RED}}
    edge = {"color": FAULT, "width": 1}
    return {"type": "rect", "xref": "x3", "yref": "paper", "x0": fault.start_s, "x1": fault.end_s, "y0": 0, "y1": 1,
            "fillcolor": FAULT, "line": edge, "layer": "below", "label": label}  # fmt: skip
