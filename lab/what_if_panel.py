"""Sliders over the settings of a deployment: the predicted p95 and capacity follow them.

The simulations run in the kernel in steps of a fraction of a second, so that a slider that moves meanwhile is answered
first. Until a new capacity is known the old one is shown greyed.
"""

import asyncio
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.capacity.bracket import MAX_P95_MS, load_of
from analysis.queueing.changed_settings import changed_settings
from analysis.queueing.preconditions import PredictionError
from analysis.queueing.what_if import DeploymentModel, Family
from workbench.errors import RecordingError, UserError
from workbench.recording import Experiment, Run

from . import plot_style, texts
from .prediction import (
    COSTS,
    DURATION_S,
    MAX_RATIO,
    REPLICATIONS,
    WARMUP_S,
    base_run,
    capacity_steps,
    model_of,
    track_figure,
    track_record,
    track_sentences,
)
from .shown import View, paragraphs
from .what_if_sliders import Sliders

FIRST_REPLICATIONS = 1  # of the first answer
CURVE_POINTS = 8
SUSTAINED: Family = "sustained"
COLUMNS = ["users", "endpoint", "p95_ms"]
INSIDE, OUTSIDE, MEASURED = "inside", "outside", "measured"  # traces of the figure
GREY, PLAIN = 0.4, 1.0  # opacity of a value that is being computed again, and of a current one


class WhatIfPanel(View):
    """Sliders for one deployment under users with think time.

        panel = exp.what_if_panel()
        panel.sliders.move(workers=4, users=200)
        panel.settle()   # in a notebook this happens between cells
        panel.table      # users, endpoint, p95_ms of the curve
        panel.capacity   # users

    Raises `PredictionError` where the experiment has no run that a prediction can start from.
    """

    def __init__(self, experiment: Experiment, deployment: str):
        self._run = base_run(experiment, deployment)
        model = DeploymentModel.from_run(self._run)
        self._experiment, self._deployment = experiment, deployment
        self.sliders = Sliders(self._run, model, int(load_of(self._run)))
        self.sliders.on_change(self._moved)
        self._curve = pd.DataFrame(columns=COLUMNS)
        self.capacity: float | None = None
        self._steps: Iterator[None] = iter(())
        self._task: asyncio.Task | None = None
        self._headline = ipywidgets.HTML()
        self._p95 = ipywidgets.HTML()
        self._capacity_text = ipywidgets.HTML()
        self._moved()

    def settle(self, *, until_capacity: bool = False) -> None:
        """Compute what is still to be computed: all of it, or as much as the capacity takes."""
        for _ in self._steps:
            if until_capacity and self._capacity_text.layout.opacity == str(PLAIN):
                break

    def _moved(self) -> None:
        """Answer a slider: the first p95 at once, the rest in steps."""
        self._capacity_text.layout.opacity = str(GREY)
        self._headline.value = paragraphs(self.sentences)
        self._draw_measured()
        self._steps = self._answer()
        next(self._steps, None)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a script: `settle` does the rest
        if self._task is not None:
            self._task.cancel()
        self._task = loop.create_task(self._go_on(self._steps))

    async def _go_on(self, steps: Iterator[None]) -> None:
        for _ in steps:
            await asyncio.sleep(0.001)  # messages of the front end come in between

    def _answer(self) -> Iterator[None]:
        try:
            yield from self._predicted(self.sliders.settings, self.sliders.users)
        except (PredictionError, RecordingError, UserError) as error:
            self._p95.value = paragraphs([f"This cannot be predicted: {error}"])

    def _predicted(self, settings: Mapping[str, Any], users: int) -> Iterator[None]:
        """Show p95 after the first simulation, then the capacity, then p95 of more simulations, and the curve."""
        model = model_of(self._run, settings)
        model = model.with_duration(WARMUP_S, DURATION_S)
        self._show_p95(model.predict(SUSTAINED, users, FIRST_REPLICATIONS).p95_ms, users)
        yield
        capacity = yield from capacity_steps(model, SUSTAINED)
        self.capacity = capacity
        self._show_capacity(capacity)
        yield
        prediction = yield from model.prediction_steps(SUSTAINED, users, REPLICATIONS)
        self._show_p95(prediction.p95_ms, users)
        rows = []
        for number in _loads(capacity, users):
            prediction = yield from model.prediction_steps(SUSTAINED, number, REPLICATIONS)
            rows += [(number, name, value) for name, value in prediction.p95_ms.items()]
            self._draw(pd.DataFrame(rows, columns=COLUMNS))

    def _show_p95(self, p95_ms: Mapping[str, float], users: int) -> None:
        listed = ", ".join(f"{name} {texts.milliseconds(value)}" for name, value in p95_ms.items())
        self._p95.value = paragraphs([f"{users:,} users: p95 {listed}", "Predicted, not measured."])

    def _show_capacity(self, capacity: float | None) -> None:
        text = (
            "no number of users" if capacity is None else f"up to about {capacity:,.0f} users (± {MAX_RATIO - 1:.0%})"
        )
        bound = f"p95 of every endpoint below {MAX_P95_MS:g} ms"
        self._capacity_text.value = paragraphs([f"Sustained: {text}, with {bound}"])
        self._capacity_text.layout.opacity = str(PLAIN)

    def _draw(self, table: pd.DataFrame) -> None:
        """Draw the curve of each endpoint: dotted outside of the loads at which this set-up was measured."""
        self._curve = table
        low, high = self.checked or (np.inf, -np.inf)
        with self.figure.batch_update():
            for trace in self.figure.data:
                if trace.meta in (INSIDE, OUTSIDE):
                    rows = table[table["endpoint"] == trace.name]
                    inside = rows["users"].between(low, high)
                    shown = rows["p95_ms"].where(inside) if trace.meta == INSIDE else rows["p95_ms"]
                    trace.update(x=rows["users"], y=shown)

    def _draw_measured(self) -> None:
        """Draw what was measured: of this set-up filled points, else of the deployment as it is open ones."""
        same = self._measured_runs(self.sliders.settings)
        runs = same or self._measured_runs({})
        with self.figure.batch_update():
            for trace in self.figure.data:
                if trace.meta == MEASURED:
                    values = [_p95_of(run, trace.name) for run in runs]
                    trace.update(x=[load_of(run) for run in runs], y=values, text=[run.name for run in runs])
                    trace.marker.symbol = "circle" if same else "circle-open"

    @property
    def checked(self) -> tuple[float, float] | None:
        """The least and the most users at which the chosen set-up was measured; None where it never was."""
        users = [load_of(run) for run in self._measured_runs(self.sliders.settings)]
        return (min(users), max(users)) if users else None

    def _measured_runs(self, moved: Mapping[str, Any]) -> list[Run]:
        """The runs of any deployment that has these settings, under users with think time."""
        if moved.keys() & COSTS:
            return []
        settings = changed_settings(self._run, moved)
        return [run for run in self._sustained_runs if run.record["deployment"]["settings"] == settings]

    @cached_property
    def _sustained_runs(self) -> list[Run]:
        loads = [(run, run.record["scenario"]) for run in self._experiment.usable]
        return [run for run, load in loads if load["kind"] == SUSTAINED and load.get("steady")]

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The predicted p95 over users; points are what was measured."""
        made = plot_style.figure()
        for number, name in enumerate(self._run.record["scenario"]["shares"]):
            self._add_traces(made, name, plot_style.colour_of(name, number))
        made.add_hline(MAX_P95_MS, line={"color": plot_style.NEUTRAL, "dash": "dash", "width": 1})
        made.update_xaxes(plot_style.log_axis("users with think time"))
        made.update_yaxes(plot_style.log_axis("p95 (ms)"))
        return plot_style.interactive(made)

    def _add_traces(self, made: go.Figure, endpoint: str, colour: str) -> None:
        """Add the predicted lines and the measured points of an endpoint, still empty."""
        for meta, dash in ((OUTSIDE, "dot"), (INSIDE, "solid")):
            line = {"color": colour, "dash": dash, "width": 2}
            is_named = meta == OUTSIDE  # the line that is always there
            made.add_trace(go.Scatter(x=[], y=[], name=endpoint, meta=meta, mode="lines", line=line,
                                      legendgroup=endpoint, showlegend=is_named))  # fmt: skip
        made.add_trace(
            go.Scatter(
                x=[], y=[], name=endpoint, meta=MEASURED, mode="markers", marker={"color": colour, "size": 9},
                legendgroup=endpoint, showlegend=False, hovertemplate="measured in %{text}: %{y:.1f} ms<extra></extra>",
            )
        )  # fmt: skip

    @property
    def table(self) -> pd.DataFrame:
        """The predicted p95 (ms) of each endpoint over users."""
        return self._curve

    @property
    def sentences(self) -> list[str]:
        """What the curve is, how far it was checked, and what earlier predictions were worth."""
        return [
            f"{self._deployment} with the settings below, predicted from {self._run.name}",
            self._checked_sentence(),
            *track_sentences(self._record),
        ]

    def _checked_sentence(self) -> str:
        if self.checked is None:
            return (
                "This set-up was never measured: every line is a prediction without a check, and dotted. Open points "
                f"are {self._deployment} as it was measured."
            )
        low, high = self.checked
        there = f"at {low:,.0f} users" if low == high else f"from {low:,.0f} to {high:,.0f} users"
        return f"Lines are predicted, points measured. This set-up was measured {there}; elsewhere lines are dotted."

    @cached_property
    def _record(self) -> pd.DataFrame:
        return track_record(self._experiment)

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Sliders, values and curve, with earlier predictions beside it."""
        values = ipywidgets.HBox([self._p95, self._capacity_text], layout={"flex_flow": "row wrap", "grid_gap": "2em"})
        earlier = track_figure(self._record)
        beside = [] if earlier is None else [plot_style.interactive(earlier)]
        return plot_style.styled([self._headline, self.sliders.widget, values, plot_style.side_by_side(
            [self.figure, *beside])])  # fmt: skip


def _loads(capacity: float | None, users: int) -> list[int]:
    """The numbers of users at which the curve is computed, ascending."""
    highest = max(2 * users, 1.2 * (capacity or 1))
    spread = np.geomspace(max(1, highest / 50), highest, CURVE_POINTS).round()
    return sorted({users, int(capacity or users), *(int(number) for number in spread)})


def _p95_of(run: Run, endpoint: str) -> float:
    rows = run.by_endpoint.set_index("endpoint")["response_p95_ms"]
    return float(rows.get(endpoint, float("nan")))
