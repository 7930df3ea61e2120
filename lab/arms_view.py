"""Two arms side by side, chosen from menus: the waterfall, the percentiles, and the effects of the scenario."""

from collections.abc import Sequence
from functools import cached_property

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.metrics import arm_metrics
from workbench.errors import RecordingError
from workbench.recording import Experiment

from . import plot_style
from .effects_plot import effects
from .lab_change import LabChange
from .run_loss import UNREADABLE, reason
from .shown import Shown, SummaryView

ALL = "all requests"
TICKS = {0.5: "p50", 0.9: "p90", 0.99: "p99", 0.999: "p99.9"}


class ArmsView(SummaryView):
    """Two deployments under one scenario.

        view = exp.arms()
        view.choose(after="as-claimed", endpoint="login")
        view.table  # the waterfall's numbers

    Raises `RecordingError` for an experiment without two deployments under one scenario.
    """

    def __init__(self, experiment: Experiment, before: str, after: str):
        self._experiment = experiment
        self._scenarios = _scenarios(experiment)
        if not self._scenarios:
            raise RecordingError(f"{experiment.name} has no two deployments with valid runs under one scenario")
        names = list(dict.fromkeys(name for both in self._scenarios.values() for name in both))
        self._menus = {
            "before": _menu("before", names, before),
            "after": _menu("after", names, after),
            "scenario": _menu("scenario", list(self._scenarios), next(iter(self._scenarios))),
            "endpoint": _menu("endpoint", [ALL, *_endpoints(experiment)], ALL),
        }
        for menu in self._menus.values():
            menu.observe(lambda _: self._update(), names="value")
        self._below = ipywidgets.VBox()
        self._why = Shown([""], pd.DataFrame())
        self._update()

    def choose(self, **chosen: str) -> None:
        """Choose `before`, `after`, `scenario` and `endpoint`, as the menus do. Raises for one that is in no menu."""
        for name, value in chosen.items():
            self._menus[name].value = value

    @property
    def _summary(self) -> Shown:
        """The waterfall."""
        return self._why

    def _update(self) -> None:
        try:
            self._compare()
        except UNREADABLE as error:
            self._why = Shown([f"This cannot be shown: {reason(error)}; open the experiment again."], pd.DataFrame())
            self._below.children = [self._why.widget]

    def _compare(self) -> None:
        before, after, scenario, endpoint = (menu.value for menu in self._menus.values())
        lacking = [name for name in (before, after) if name not in self._scenarios[scenario]]
        if lacking:
            self._why = Shown(
                [f"{' and '.join(lacking)} did not run under {scenario}; choose another one."], pd.DataFrame()
            )
            self._below.children = [self._why.widget]
            return
        self._why = LabChange(self._experiment, before, after, scenario).why("" if endpoint == ALL else endpoint)
        percentiles = percentile_curves(self._experiment, (before, after), scenario)
        self._below.children = [
            self._why.widget,
            percentiles.widget,
            effects(self._experiment, scenario, "duration").widget,
        ]

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The menus, and what they show."""
        menus = ipywidgets.HBox(list(self._menus.values()), layout={"flex_flow": "row wrap"})
        return plot_style.styled([menus, self._below])


def percentile_curves(experiment: Experiment, deployments: Sequence[str], scenario: str) -> Shown:
    """The latency of deployments over the quantile, up to the last one that their requests support."""
    made, tables = plot_style.figure(), []
    for number, deployment in enumerate(deployments):
        curve = arm_metrics.percentile_curve(experiment, deployment, scenario)
        tables.append(curve.assign(deployment=deployment))
        line = {"color": plot_style.colour_of(deployment, number)}
        made.add_trace(go.Scatter(x=curve["nines"], y=curve["latency_ms"], name=deployment, mode="lines", line=line))
    places = [float(-np.log10(1 - quantile)) for quantile in TICKS]
    made.update_xaxes(tickvals=places, ticktext=list(TICKS.values()), title="quantile")
    made.update_yaxes(plot_style.log_axis("latency (ms)"))
    table = pd.concat(tables, ignore_index=True)
    return Shown([f"Latency by quantile under {scenario}, over all valid runs"], table, made)


def _scenarios(experiment: Experiment) -> dict[str, list[str]]:
    """The deployments with valid runs by scenario, where there are two; those with the most blocks first."""
    names = dict.fromkeys(run.scenario for run in experiment.usable)
    ran = {
        name: list(dict.fromkeys(run.deployment for run in experiment.usable if run.scenario == name)) for name in names
    }
    both = {name: deployments for name, deployments in ran.items() if len(deployments) > 1}
    return dict(sorted(both.items(), key=lambda each: -sum(experiment.blocks(name, each[0]) for name in each[1])))


def _endpoints(experiment: Experiment) -> list[str]:
    return sorted(experiment.by_endpoint["endpoint"].unique())


def _menu(name: str, options: list[str], value: str) -> ipywidgets.Dropdown:
    chosen = value if value in options else options[0]
    return ipywidgets.Dropdown(options=options, value=chosen, description=name)
