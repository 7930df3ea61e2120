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

from analysis.capacity.bracket import load_of
from analysis.cli.what_if_command import changed_settings
from analysis.queueing.preconditions import PredictionError
from analysis.queueing.what_if import DeploymentModel, Family
from workbench.errors import RecordingError, UserError
from workbench.recording import Experiment, Run

from . import plot_style, texts
from .prediction import base_run, track_record
from .shown import paragraphs, widget_bundle, without_front_end
from .what_if_sliders import Sliders

FIRST_REPLICATIONS, REPLICATIONS = 1, 3  # of the first answer, and of the one that takes its place
WARMUP_S, DURATION_S = 5.0, 15.0
MAX_USERS = 5_000
CURVE_POINTS = 8
SUSTAINED: Family = "sustained"
COLUMNS = ["users", "endpoint", "p95_ms"]
GREY, PLAIN = 0.4, 1.0  # opacity of a value that is being computed again, and of a current one


class WhatIfPanel:
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
        self.table = pd.DataFrame(columns=COLUMNS)
        self.capacity: float | None = None
        self._steps: Iterator[None] = iter(())
        self._task: asyncio.Task | None = None
        self._p95 = ipywidgets.HTML()
        self._capacity_text = ipywidgets.HTML()
        self._moved()

    def settle(self) -> None:
        """Compute everything that is still to be computed."""
        for _ in self._steps:
            pass

    def _moved(self) -> None:
        """Answer a slider: the first p95 at once, the rest in steps."""
        self._capacity_text.layout.opacity = str(GREY)
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
        """Show p95 after the first simulation, then the curve, then the capacity."""
        model = self._model(settings)
        self._show_p95(model.predict(SUSTAINED, users, FIRST_REPLICATIONS).p95_ms, users)
        yield
        self._show_p95(model.predict(SUSTAINED, users, REPLICATIONS).p95_ms, users)
        yield
        capacity = yield from model.capacity_steps(SUSTAINED, MAX_USERS)
        self.capacity = capacity
        self._show_capacity(capacity)
        yield
        rows = []
        for number in _loads(capacity, users):
            p95_ms = model.predict(SUSTAINED, number, FIRST_REPLICATIONS).p95_ms
            rows += [(number, name, value) for name, value in p95_ms.items()]
            self._draw(pd.DataFrame(rows, columns=COLUMNS))
            yield

    def _model(self, settings: Mapping[str, Any]) -> DeploymentModel:
        costs = {name: settings[name] for name in ("hash_ms", "hit_ratio") if name in settings}
        others = {name: value for name, value in settings.items() if name not in costs}
        hit_ratios = dict.fromkeys(self.sliders.cached, costs["hit_ratio"]) if "hit_ratio" in costs else None
        changed = changed_settings(self._run, others)
        model = DeploymentModel.from_run(self._run, changed, hash_ms=costs.get("hash_ms"), hit_ratios=hit_ratios)
        return model.with_duration(WARMUP_S, DURATION_S)

    def _show_p95(self, p95_ms: Mapping[str, float], users: int) -> None:
        listed = ", ".join(f"{name} {texts.milliseconds(value)}" for name, value in p95_ms.items())
        self._p95.value = paragraphs([f"{users:,} users: p95 {listed}", "Predicted, not measured."])

    def _show_capacity(self, capacity: float | None) -> None:
        text = "no number of users" if capacity is None else f"up to {capacity:,.0f} users"
        self._capacity_text.value = paragraphs([f"Sustained: {text}, with p95 of every endpoint below 300 ms"])
        self._capacity_text.layout.opacity = str(PLAIN)

    def _draw(self, table: pd.DataFrame) -> None:
        """Draw the curve of each endpoint: dotted outside of the loads at which a prediction was ever checked."""
        self.table = table
        low, high = self.checked
        with self.figure.batch_update():
            for trace in self.figure.data:
                if trace.meta in ("inside", "outside"):
                    rows = table[table["endpoint"] == trace.name]
                    inside = rows["users"].between(low, high)
                    shown = rows["p95_ms"].where(inside) if trace.meta == "inside" else rows["p95_ms"]
                    trace.update(x=rows["users"], y=shown)

    @cached_property
    def checked(self) -> tuple[float, float]:
        """The least and the most users at which a prediction for this deployment was compared with a measurement."""
        users = [load_of(run) for run in self._measured_runs()]
        return min(users), max(users)

    def _measured_runs(self) -> list[Run]:
        runs = self._experiment.runs_of(self._deployment)
        return [
            run for run in runs if run.record["scenario"]["kind"] == SUSTAINED and run.record["scenario"].get("steady")
        ]

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The predicted p95 over users; points are what was measured."""
        made = plot_style.figure()
        for number, name in enumerate(self._run.record["scenario"]["shares"]):
            self._add_traces(made, name, plot_style.colour_of(name, number))
        made.update_xaxes(title="users with think time", type="log")
        made.update_yaxes(title="p95 (ms)", type="log")
        return plot_style.interactive(made)

    def _add_traces(self, made: go.Figure, endpoint: str, colour: str) -> None:
        """Add the predicted lines of an endpoint, still empty, and its measured points."""
        for meta, dash in (("outside", "dot"), ("inside", "solid")):
            line = {"color": colour, "dash": dash, "width": 2}
            is_named = meta == "inside"
            made.add_trace(go.Scatter(x=[], y=[], name=endpoint, meta=meta, mode="lines", line=line,
                                      legendgroup=endpoint, showlegend=is_named))  # fmt: skip
        runs = self._measured_runs()
        made.add_trace(
            go.Scatter(
                x=[load_of(run) for run in runs], y=[_p95_of(run, endpoint) for run in runs],
                text=[run.name for run in runs], mode="markers", marker={"color": colour, "size": 9},
                legendgroup=endpoint, showlegend=False, hovertemplate="measured in %{text}: %{y:.1f} ms<extra></extra>",
            )
        )  # fmt: skip

    @property
    def sentences(self) -> list[str]:
        """What the curve is, and how far it was checked."""
        low, high = self.checked
        there = f"at {low:,.0f} users" if low == high else f"from {low:,.0f} to {high:,.0f} users"
        record = track_record(self._experiment)
        earlier = f" Earlier predictions: {len(record)}, in exp.predictions." if len(record) else ""
        return [
            f"{self._deployment} with other settings, predicted from {self._run.name}",
            f"Points are measured, lines predicted. It was checked {there}; elsewhere lines are dotted.{earlier}",
        ]

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Sliders, values and curve."""
        values = ipywidgets.HBox([self._p95, self._capacity_text], layout={"flex_flow": "row wrap", "grid_gap": "2em"})
        return plot_style.styled(
            [ipywidgets.HTML(paragraphs(self.sentences)), self.sliders.widget, values, self.figure]
        )

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**without_front_end(repr(self), self.sentences, self.table), **widget_bundle(self.widget)}


def _loads(capacity: float | None, users: int) -> list[int]:
    """The numbers of users at which the curve is computed, ascending."""
    highest = max(2 * users, 1.2 * (capacity or 1))
    return sorted({int(number) for number in np.geomspace(max(1, highest / 50), highest, CURVE_POINTS).round()})


def _p95_of(run: Run, endpoint: str) -> float:
    rows = run.by_endpoint.set_index("endpoint")["response_p95_ms"]
    return float(rows.get(endpoint, float("nan")))
