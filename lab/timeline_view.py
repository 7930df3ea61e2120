"""The requests of a run by start and latency: brush some to see what they have more of, click one to open it."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from analysis.selection_contrast import Box, contrast, sentences
from workbench.errors import UserError
from workbench.recording import Run
from workbench.request_rows import RequestRows

from . import plot_style, texts
from .microscope import Microscope
from .point_sample import points
from .shown import Shown, paragraphs, widget_bundle, without_front_end

COLOURS = ("endpoint", "worker", "connection", "cache", "outcome")
MAX_COLOURS = 20  # values with a colour of their own; a pool may have had thousands of connections
OTHER = "other"
NUMBERED = ("worker", "connection")  # whose values are no names by themselves
HEIGHT_PX = 420
MS_PER_S = 1000
HINT = "Draw a box around some requests to see what they have more of than the others; click one to open it."


class TimelineView:
    """The requests of a run as points: seconds since the first measured one, and latency.

        view = run.timeline()
        view.brush(fastest_ms=300)                # what a box drawn with the mouse does
        view.brush(fastest_ms=300, to_ms=10_000)  # of those sent in the first ten seconds
        view.answer                               # that of the last selection

    `siblings` are the runs of the arm: the same selection in each of their blocks gives the intervals. `table` has the
    points. Raises `UserError` for a colour that is none of `COLOURS`.
    """

    def __init__(self, run: Run, siblings: Sequence[Run], colour: str = "endpoint"):
        if colour not in COLOURS:
            raise UserError(f"requests are coloured by {', '.join(COLOURS)}, not by {colour!r}")
        self._run, self._colour = run, colour
        self._rows = RequestRows([each.source for each in siblings])
        self.table, self.requests = points(run)
        self.answer: Shown | None = None
        self._below = ipywidgets.VBox([ipywidgets.HTML(HINT)])

    @property
    def sentences(self) -> list[str]:
        """What the points are."""
        first = f"{self._run.deployment} under {self._run.scenario}, block {self._run.block + 1}"
        if not self.requests:
            return [f"{first}: no measured request has a latency."]
        drawn = f"the slowest and a sample, {len(self.table):,} of " if len(self.table) < self.requests else ""
        counted = texts.counted(self.requests, "measured request")
        unknown = [f"No request reported its {self._colour}."] if self._is_unknown() else []
        selection = "A selection counts all of them, and those of the arm's other blocks."
        return [f"{first}: {drawn}{counted}.", *unknown, selection]

    def _is_unknown(self) -> bool:
        """True where the column of the colour has no value."""
        return self._colour in self.table and bool(self.table[self._colour].isna().all())

    def brush(self, **bounds_ms: float) -> Shown:
        """What the requests in a box have more of than the others; `bounds_ms` are the fields of `Box`."""
        box = Box(**bounds_ms)
        table = contrast(self._rows, box)
        if table.empty:
            self.answer = Shown(["The selection has no request, or every one: there is nothing to compare."], table)
        else:
            self.answer = Shown([f"Requests {_described(box)}:", *sentences(table)], table)
        self._below.children = [self.answer.widget]
        return self.answer

    def open(self, user: int, sequence: int) -> Microscope:
        """Open one request below the figure."""
        opened = Microscope(self._run, user, sequence)
        self._below.children = [opened.widget]
        return opened

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The figure, which answers to a box and to a click."""
        made = plot_style.interactive(self._drawn())
        for trace in made.data:
            trace.on_selection(self._selected)
            trace.on_click(self._clicked)
        return made

    def _drawn(self) -> go.Figure:
        made = plot_style.figure(height_px=HEIGHT_PX, dragmode="select")
        for number, (name, group) in enumerate(self._coloured().groupby("colour", sort=True)):
            made.add_trace(
                go.Scattergl(
                    x=group["at_ms"] / MS_PER_S,
                    y=group["latency_ms"],
                    name=f"{self._colour} {name}" if self._colour in NUMBERED else str(name),
                    mode="markers",
                    marker={"size": 5, "opacity": 0.7, "color": plot_style.colour_of(str(name), number)},
                    customdata=group[["user", "sequence", "endpoint"]],
                    hovertemplate="%{customdata[2]}, user %{customdata[0]}, request %{customdata[1]}: %{y:.2f} ms"
                    "<extra></extra>",
                )
            )
        made.update_xaxes(title="seconds since the first measured request")
        made.update_yaxes(plot_style.log_axis("latency (ms)"))
        return made

    def _coloured(self) -> pd.DataFrame:
        """The points with the value that colours them: the commonest ones, and one for all others."""
        if self._colour == "outcome":
            values = self.table["ok"].map({True: "successful", False: "failed"})
        else:
            values = self.table[self._colour].astype("object").where(self.table[self._colour].notna(), "none")
        labels = values.astype(str)
        commonest = labels.value_counts().index[:MAX_COLOURS]
        return self.table.assign(colour=labels.where(labels.isin(commonest), OTHER))

    def _selected(self, trace: Any, selected: Any, selector: Any) -> None:
        """Answer a box; the front end reports it once for each trace, and one answer is enough."""
        if trace is not self.figure.data[0] or not getattr(selector, "xrange", None):
            return
        (left_s, right_s), (fastest_ms, slowest_ms) = sorted(selector.xrange), sorted(selector.yrange)
        self.brush(fastest_ms=fastest_ms, slowest_ms=slowest_ms, from_ms=MS_PER_S * left_s, to_ms=MS_PER_S * right_s)

    def _clicked(self, trace: Any, clicked: Any, state: Any) -> None:
        for number in clicked.point_inds[:1]:
            user, sequence, _ = trace.customdata[number]
            self.open(int(user), int(sequence))

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Figure and answer."""
        if not self.requests:
            return plot_style.styled([ipywidgets.HTML(paragraphs(self.sentences))])
        return plot_style.styled([ipywidgets.HTML(paragraphs(self.sentences)), self.figure, self._below])

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**without_front_end(repr(self), self.sentences, self.table), **widget_bundle(self.widget)}


def _described(box: Box) -> str:
    """A box in words."""
    slow = f"of {texts.milliseconds(box.fastest_ms)}"
    slow += " and more" if math.isinf(box.slowest_ms) else f" to {texts.milliseconds(box.slowest_ms)}"
    if math.isinf(box.to_ms):
        return slow
    return f"{slow}, sent {box.from_ms / MS_PER_S:.2f} to {box.to_ms / MS_PER_S:.2f} s after the first"
