"""The look of the lab's figures, on the light and on the dark theme of JupyterLab."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from analysis.figures.palette import COLOURS, LINE_COLOURS

from .cell_style import CLASS, CellStyle

HEIGHT_PX = 360
LOG_TICKS = [(digit * 10.0**exponent, exponent) for exponent in range(-4, 8) for digit in (1, 2, 5)]
TOOLS_PX = 40  # right of a figure, for its buttons
# A figure is as wide as its cell. Plotly's button that uploads a figure to its maker is not there.
CONFIGURATION = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["toImage", "lasso2d", "autoScale2d"],
}
NEUTRAL = "#7d868f"  # lines that show on both themes
ROLES = {"server": "#6a5acd", "database": "#a8562e", "generator": "#7d868f", "store": "#008f68"}  # of processes
# From few to many, visible on both themes.
HEAT = ((0.0, "#4f8fd0"), (0.5, "#c2569b"), (1.0, "#f0a72e"))
GRID = "rgba(125, 134, 143, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"


def figure(*, height_px: int = HEIGHT_PX, **axes: Any) -> go.Figure:
    """An empty figure in the style of the lab; `axes` are arguments of `update_layout`."""
    return in_style(go.Figure(), height_px).update_layout(**axes)


def in_style(made: go.Figure, height_px: int) -> go.Figure:
    """The figure with the lab's style on all of its axes, those of every panel."""
    made.update_layout(
        height=height_px,
        margin={"l": 10, "r": TOOLS_PX, "t": 30, "b": 10},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"size": 12},
        hoverlabel={"bgcolor": "#3f4a56"},
        # Measured from the edge of the figure: from the plot, it stays where it was when the width changes.
        legend={"orientation": "h", "yref": "container", "yanchor": "top", "y": 1, "x": 0, "traceorder": "normal"},
        modebar={"bgcolor": CLEAR, "color": NEUTRAL, "activecolor": NEUTRAL, "orientation": "v"},
    )
    made.update_xaxes(gridcolor=GRID, zerolinecolor=NEUTRAL, automargin=True)
    return made.update_yaxes(gridcolor=GRID, zerolinecolor=NEUTRAL, automargin=True)


def log_axis(title: str = "", *, is_low: bool = False) -> dict[str, Any]:
    """A logarithmic axis with a number at 1, 2 and 5 of each power of ten; `is_low`: at each power alone."""
    ticks = LOG_TICKS[::3] if is_low else LOG_TICKS
    texts = [f"{value:,.{max(0, -exponent)}f}" for value, exponent in ticks]
    return {"type": "log", "title": title, "tickvals": [value for value, _ in ticks], "ticktext": texts}


def legend_below(made: go.Figure) -> go.Figure:
    """The figure with its legend below the last axis, as the titles of panels are where it was."""
    return made.update_layout(legend={"yref": "paper", "y": -0.12, "yanchor": "top"})


def interactive(made: go.Figure) -> go.FigureWidget:
    """The figure as a widget."""
    widget = made if isinstance(made, go.FigureWidget) else go.FigureWidget(made)
    widget._config = CONFIGURATION
    return widget


def styled(parts: Sequence[Any]) -> ipywidgets.VBox:
    """Widgets below each other, in the colours of the front end's theme."""
    box = ipywidgets.VBox([CellStyle(), *parts])
    box.add_class(CLASS)
    return box


def side_by_side(parts: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
    """Widgets beside each other where there is room, else below each other."""
    columns = [ipywidgets.VBox([part], layout={"flex": "1 1 26em", "min_width": "0"}) for part in parts]
    return ipywidgets.Box(columns, layout={"flex_flow": "row wrap"})


def colour_of_worker(number: Any) -> str:
    """The colour of a worker by its number, the same in every figure."""
    return str(LINE_COLOURS[int(number) % len(LINE_COLOURS)])


def colour_of(name: str, number: int) -> str:
    """The colour of a series, an endpoint or a part; one by its number for a name that has none."""
    return str(ROLES.get(name) or COLOURS.get(name) or LINE_COLOURS[number % len(LINE_COLOURS)])
