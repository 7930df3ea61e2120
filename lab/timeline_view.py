"""The requests of a run by start and latency: brush some to see what they have more of, click one to open it."""

import math
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from analysis.request_waits import readings_by_place
from analysis.selection_contrast import Box, contrast, sentences, sizes
from workbench.errors import UserError
from workbench.recording import Run
from workbench.request_rows import RequestRows

from . import plot_style, texts
from .microscope import Microscope
from .point_sample import points
from .run_loss import UNREADABLE, loss, or_loss, present, reason
from .shown import Shown, View, paragraphs

COLOURS = ("endpoint", "worker", "connection", "cache", "outcome")
MAX_COLOURS = 20  # values with a colour of their own; a pool may have had thousands of connections
OTHER = "other"
NUMBERED = ("worker", "connection")  # whose values are no names by themselves
HEIGHT_PX = 420
MS_PER_S = 1000
BOUNDS = [bound.name for bound in fields(Box)]
HINT = "Draw a box around some requests to see what they have more of than the others; click one to open it."


class TimelineView(View):
    """The requests of a run as points: seconds since the first measured one, and latency.

        view = run.timeline()
        view.brush(min_latency_ms=300)                # what a box drawn with the mouse does
        view.brush(min_latency_ms=300, to_ms=10_000)  # of those sent in the first ten seconds
        view.answer                               # that of the last selection
        view.recolour("worker")                   # what the menu does

    `siblings` are the runs of the arm: the same selection in each of their blocks gives the intervals. `table` has the
    points. Raises `UserError` for a colour that is none of `COLOURS`.
    """

    has_table_in_text = False

    def __init__(self, run: Run, siblings: Sequence[Run], colour: str = "endpoint"):
        self._run = run
        self._siblings = tuple(siblings) if run in siblings else (run,)  # a run that is not valid stands alone
        self._left_out: list[str] = []
        self._drawn, self.requests, self._loss = _points(run)
        self.answer: Shown | None = None
        self._kept: tuple[list[Run], RequestRows, pd.DataFrame] | None = None
        self._menu = ipywidgets.Dropdown(options=COLOURS, value=_checked(colour), description="colour")
        self._menu.observe(lambda _: self._redraw(), names="value")
        self._above = ipywidgets.HTML(paragraphs(self.sentences))
        self._below = ipywidgets.VBox([ipywidgets.HTML(HINT)])

    @property
    def colour(self) -> str:
        """What the points are coloured by."""
        return str(self._menu.value)

    @property
    def table(self) -> pd.DataFrame:
        """The points: a row for each request that is drawn."""
        return self._drawn

    @property
    def sentences(self) -> list[str]:
        """What the points are."""
        if self._loss:
            return [f"{self._loss}."]
        first = f"{self._run.deployment} under {self._run.scenario}, block {self._run.block + 1}"
        if not self.requests:
            return [f"{first}: no measured request has a latency."]
        drawn = f"the slowest and a sample, {len(self._drawn):,} of " if len(self._drawn) < self.requests else ""
        counted = texts.counted(self.requests, "measured request")
        unknown = [f"No request reported its {self.colour}."] if self._is_unknown() else []
        others = len(self._siblings) - 1
        of_others = f"and those of the {texts.counted(others, 'other run')} of {self._run.deployment} under this load"
        selection = f"A selection counts all of them, {of_others if others else 'of this run alone'}."
        return [f"{first}: {drawn}{counted}.", *unknown, selection]

    def _is_unknown(self) -> bool:
        """True where the column of the colour has no value."""
        return self.colour in self._drawn and bool(self._drawn[self.colour].isna().all())

    def brush(self, **bounds_ms: float) -> Shown:
        """What the requests in a box have more of than the others.

        Bounds, in ms: `min_latency_ms`, `max_latency_ms`, and `from_ms`, `to_ms` of the send since the first measured
        one. Raises `UserError` for another one.
        """
        if unknown := sorted(bounds_ms.keys() - set(BOUNDS)):
            raise UserError(f"a box has no bound {', '.join(unknown)}; it has {', '.join(BOUNDS)}")
        box = Box(**bounds_ms)
        self.answer = or_loss(self._run, lambda: self._compared(box))
        self._below.children = [self.answer.widget]
        return self.answer

    def _compared(self, box: Box) -> Shown:
        try:
            return self._of_box(box)
        except UNREADABLE:
            # The size of a file is as it was, and its content is not.
            runs, lines = present(self._siblings, reads_all=True)
            self._siblings, self._left_out = tuple(runs), [*self._left_out, *lines]
            return self._of_box(box)

    def _of_box(self, box: Box) -> Shown:
        rows, readings, lost = self._of_siblings()
        table = contrast(rows, box, readings)
        if table.empty:
            nothing = "The selection has no request, or every one: there is nothing to compare."
            return Shown([nothing, *lost], table)
        unread = [] if len(readings) else ["The database's sessions were not read: no request has a wait event."]
        chosen, requests = sizes(rows, box)
        runs = texts.counted(len(self._siblings) - len(lost), "run")
        first = f"Requests {_described(box)}: {chosen:,} of {requests:,} in {runs}"
        return Shown([first, *sentences(table), *unread, *lost], table)

    def _of_siblings(self) -> tuple[RequestRows, pd.DataFrame, list[str]]:
        """The rows of the arm's runs, the readings of their database, and a line for each run that cannot be read.

        Rows and readings are kept for the next selection.
        """
        runs, lost = present(self._siblings)
        if self._kept is None or self._kept[0] != runs:
            rows = RequestRows([run.source for run in runs])
            self._kept = runs, rows, readings_by_place(runs)
        return *self._kept[1:], [*self._left_out, *lost]

    def open(self, user: int, sequence: int) -> Microscope:
        """Open one request below the figure. Raises `RecordingError` where the run has no such request."""
        opened = Microscope(self._run, user, sequence)
        self._below.children = [opened.widget]
        return opened

    def recolour(self, colour: str) -> None:
        """Colour the points by another of `COLOURS`; what is below the figure stays. Raises `UserError` for no colour.

        view.recolour("worker")
        """
        self._menu.value = _checked(colour)

    def _redraw(self) -> None:
        self._above.value = paragraphs(self.sentences)
        if "figure" in vars(self):
            with self.figure.batch_update():
                self.figure.data = ()
                self.figure.add_traces(self._traces())
            self._listen(self.figure)

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The figure, which answers to a box and to a click."""
        drawn = plot_style.figure(height_px=HEIGHT_PX, dragmode="select", showlegend=True).add_traces(self._traces())
        drawn.update_layout(newselection={"line": {"color": plot_style.NEUTRAL, "width": 1.5}})
        drawn.update_xaxes(title="seconds since the first measured request")
        drawn.update_yaxes(plot_style.log_axis("latency (ms)"))
        made = plot_style.interactive(drawn)
        self._listen(made)
        return made

    def _listen(self, figure: go.FigureWidget) -> None:
        for trace in figure.data:
            trace.on_selection(self._selected)
            trace.on_click(self._clicked)

    def _traces(self) -> list[go.Scattergl]:
        if self._drawn.empty:
            return []
        return [
            go.Scattergl(
                x=group["at_ms"] / MS_PER_S,
                y=group["latency_ms"],
                name=f"{self.colour} {name}" if self.colour in NUMBERED else str(name),
                mode="markers",
                marker={"size": 5, "opacity": 0.7, "color": plot_style.colour_of(str(name), number)},
                customdata=group[["user", "sequence", "endpoint"]],
                hovertemplate="%{customdata[2]}, user %{customdata[0]}, request %{customdata[1]}: %{y:.2f} ms"
                "<extra></extra>",
            )
            for number, (name, group) in enumerate(self._coloured().groupby("colour", sort=True))
        ]

    def _coloured(self) -> pd.DataFrame:
        """The points with the value that colours them: the commonest ones, and one for all others."""
        if self.colour == "outcome":
            values = self._drawn["ok"].map({True: "successful", False: "failed"})
        else:
            values = self._drawn[self.colour].astype("object").where(self._drawn[self.colour].notna(), "none")
        labels = values.astype(str)
        commonest = labels.value_counts().index[:MAX_COLOURS]
        return self._drawn.assign(colour=labels.where(labels.isin(commonest), OTHER))

    def _selected(self, trace: Any, selected: Any, selector: Any) -> None:
        """Answer a box; the front end reports it once for each trace, and one answer is enough."""
        if trace is not self.figure.data[0] or not getattr(selector, "xrange", None):
            return
        (left_s, right_s), (min_latency_ms, max_latency_ms) = sorted(selector.xrange), sorted(selector.yrange)
        self.brush(
            min_latency_ms=min_latency_ms,
            max_latency_ms=max_latency_ms,
            from_ms=MS_PER_S * left_s,
            to_ms=MS_PER_S * right_s,
        )

    def _clicked(self, trace: Any, clicked: Any, state: Any) -> None:
        for number in clicked.point_inds[:1]:
            user, sequence, _ = trace.customdata[number]
            opened = or_loss(self._run, lambda: Microscope(self._run, int(user), int(sequence)))  # noqa: B023
            self._below.children = [opened.widget]

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Figure and answer."""
        if not self.requests:
            return plot_style.styled([self._above])
        return plot_style.styled([self._above, self._menu, self.figure, self._below])


def _points(run: Run) -> tuple[pd.DataFrame, int, str]:
    """The points of a run, the number of its requests with a latency, and why they cannot be read, if so."""
    lost = loss(run)
    try:
        if not lost:
            return *points(run), ""
    except UNREADABLE as error:
        lost = loss(run, reads_all=True) or reason(error)
    return pd.DataFrame(), 0, lost


def _checked(colour: str) -> str:
    if colour not in COLOURS:
        raise UserError(f"requests are coloured by {', '.join(COLOURS)}, not by {colour!r}")
    return colour


def _described(box: Box) -> str:
    """A box in words."""
    slow = f"of {texts.milliseconds(box.min_latency_ms)}"
    slow += " and more" if math.isinf(box.max_latency_ms) else f" to {texts.milliseconds(box.max_latency_ms)}"
    if math.isinf(box.to_ms):
        return slow
    return f"{slow}, sent {box.from_ms / MS_PER_S:.2f} to {box.to_ms / MS_PER_S:.2f} s after the first"
