"""The look of the lab's figures, on the light and on the dark theme of JupyterLab."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from analysis.figures.palette import COLOURS, LINE_COLOURS

CLASS = "workbench-lab"
HEIGHT_PX = 360
NEUTRAL = "#7d868f"  # lines that show on both themes
GRID = "rgba(125, 134, 143, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"
# The front end's own colours of text: a figure does not know the theme.
CSS = f"""<style>
.{CLASS} .js-plotly-plot text {{ fill: var(--jp-content-font-color1, #1b1f24) !important; }}
.{CLASS} .js-plotly-plot .hoverlayer text {{ fill: #ffffff !important; }}
.{CLASS} p {{ max-width: 60em; margin: 0 0 0.4em; line-height: 1.4; }}
.{CLASS} .widget-html-content {{ color: var(--jp-content-font-color1, #1b1f24); white-space: normal; }}
</style>"""


def figure(*, height_px: int = HEIGHT_PX, **axes: Any) -> go.Figure:
    """An empty figure in the style of the lab; `axes` are arguments of `update_layout`."""
    return in_style(go.Figure(), height_px).update_layout(**axes)


def in_style(made: go.Figure, height_px: int) -> go.Figure:
    """The figure with the lab's style on all of its axes, those of every panel."""
    made.update_layout(
        height=height_px,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"size": 12},
        hoverlabel={"bgcolor": "#3f4a56"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        modebar={"bgcolor": CLEAR, "color": NEUTRAL, "activecolor": NEUTRAL, "orientation": "v"},
    )
    made.update_xaxes(gridcolor=GRID, zerolinecolor=NEUTRAL, automargin=True)
    return made.update_yaxes(gridcolor=GRID, zerolinecolor=NEUTRAL, automargin=True)


def legend_below(made: go.Figure) -> go.Figure:
    """The figure with its legend below the last axis, as the titles of panels are where it was."""
    return made.update_layout(legend={"y": -0.12, "yanchor": "top"})


def interactive(made: go.Figure) -> go.FigureWidget:
    """The figure as a widget."""
    widget = made if isinstance(made, go.FigureWidget) else go.FigureWidget(made)
    widget._config = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage", "lasso2d", "autoScale2d"]}
    return widget


def styled(parts: Sequence[Any]) -> ipywidgets.VBox:
    """Widgets below each other, in the colours of the front end's theme."""
    box = ipywidgets.VBox([ipywidgets.HTML(CSS), *parts])
    box.add_class(CLASS)
    return box


def colour_of(name: str, number: int) -> str:
    """The colour of a series, an endpoint or a part; one by its number for a name that has none."""
    return str(COLOURS.get(name) or LINE_COLOURS[number % len(LINE_COLOURS)])
