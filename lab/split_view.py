"""Where the time between two percentiles went, deployment beside deployment, chosen from menus."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple

import ipywidgets
import pandas as pd

from workbench.errors import RecordingError
from workbench.recording import Experiment
from workbench.request_rows import RequestRows

from . import plot_style
from .run_loss import UNREADABLE, present, reason
from .shown import Shown, SummaryView
from .time_shares import Quantiles, bars, check, means, named, sentences

ALL = "all requests"
STEP = 0.5  # of the slider, in percent
TAIL = (0.90, 0.99)


class _OfScenario(NamedTuple):
    """The requests of a scenario's valid runs: their endpoints and deployments, a sentence for each lost run."""

    rows: RequestRows
    endpoints: list[str]
    deployments: list[str]
    lost: list[str]


class SplitView(SummaryView):
    """The mean time of requests by part, for each deployment under one scenario.

        view = exp.split("burst-50", "login")
        view.choose(quantile=(0.99, 1))  # the slowest hundredth of each run
        view.table

    Two bars for each deployment: all requests of its valid runs, and those between two quantiles of latency of their
    run. Means, without an interval. Raises `RecordingError` for an experiment without a valid run, or names that it
    lacks.
    """

    def __init__(self, experiment: Experiment, scenario: str, endpoint: str = "", quantile: Quantiles = TAIL):
        self._experiment = experiment
        names = list(dict.fromkeys(run.scenario for run in experiment.usable))
        if not names:
            raise RecordingError(f"{experiment.name} has no valid run to split")
        self._kept: dict[str, _OfScenario] = {}
        first = scenario if scenario in names else names[0]
        self._scenario = ipywidgets.Dropdown(options=sorted(names), value=first, description="scenario")
        self._endpoint = ipywidgets.Dropdown(options=[ALL], value=ALL, description="endpoint")
        self._slider = ipywidgets.FloatRangeSlider(
            value=[100 * each for each in TAIL], min=0, max=100, step=STEP, description="percentiles",
            continuous_update=False, readout_format=".1f", layout={"width": "32em"},
        )  # fmt: skip
        self._below = ipywidgets.VBox()
        self._answer = Shown([""], pd.DataFrame())
        self._is_changing = False
        self.choose(scenario=scenario, endpoint=endpoint or ALL, quantile=quantile)
        for menu in (self._scenario, self._endpoint, self._slider):
            menu.observe(self._changed, names="value")

    def choose(self, *, scenario: str = "", endpoint: str = "", quantile: Quantiles | None = None) -> None:
        """Choose what to show, as menus and slider do; what is not named stays.

        view.choose(endpoint="login", quantile=(0.5, 0.9))

        Raises `UserError` for quantiles that are not 0 ≤ low < high ≤ 1, and `RecordingError` for a name in no menu.
        """
        if quantile is not None:
            check(quantile)
        with self._one_change():
            if scenario:
                _set(self._scenario, "scenario", scenario)
                self._offer_endpoints()
            if endpoint:
                _set(self._endpoint, "endpoint", endpoint)
            if quantile is not None:
                self._slider.value = [100 * each for each in quantile]

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        """Answer once, after the block: menus change each other."""
        self._is_changing = True
        try:
            yield
            self._update()
        finally:
            self._is_changing = False

    def _changed(self, change: object) -> None:
        if not self._is_changing:
            with self._one_change():
                pass

    @property
    def quantile(self) -> Quantiles:
        """The chosen quantiles, from 0 to 1."""
        low, high = (round(each / 100, 6) for each in self._slider.value)
        return low, high

    @property
    def _summary(self) -> Shown:
        return self._answer

    def _of_scenario(self, *, is_reread: bool = False) -> _OfScenario:
        """The requests of the chosen scenario; `is_reread` leaves out what was lost since."""
        scenario = str(self._scenario.value)
        if is_reread or scenario not in self._kept:
            of_scenario = [run for run in self._experiment.usable if run.scenario == scenario]
            runs, lost = present(of_scenario, reads_all=is_reread)
            rows = RequestRows([run.source for run in runs])
            known = rows.query("SELECT DISTINCT endpoint FROM measured ORDER BY endpoint")["endpoint"]
            self._kept[scenario] = _OfScenario(rows, list(known), sorted({run.deployment for run in runs}), lost)
        return self._kept[scenario]

    def _offer_endpoints(self) -> None:
        """Offer the endpoints of the scenario; the chosen one stays where it is one of them."""
        chosen, options = self._endpoint.value, (ALL, *self._of_scenario().endpoints)
        if self._endpoint.options != options:
            self._endpoint.options = options
            self._endpoint.value = chosen if chosen in options else ALL

    def _update(self) -> None:
        try:
            self._offer_endpoints()
            shown = self._split()
        except UNREADABLE:
            shown = self._split_without_lost()
        self._answer = shown
        self._below.children = [shown.widget]

    def _split_without_lost(self) -> Shown:
        """The result without the runs whose files have changed since they were read first; why there is none."""
        try:
            self._of_scenario(is_reread=True)
            self._offer_endpoints()
            return self._split()
        except UNREADABLE as error:
            return Shown([f"This cannot be shown: {reason(error)}."], pd.DataFrame())

    def _split(self) -> Shown:
        read, scenario, quantile = self._of_scenario(), self._scenario.value, self.quantile
        endpoint = "" if self._endpoint.value == ALL else str(self._endpoint.value)
        if quantile[0] == quantile[1]:
            return Shown(["There is nothing between equal percentiles: move one end of the slider."], pd.DataFrame())
        table = means(read.rows, "deployment", quantile, endpoint)
        unknown = [name for name in read.deployments if name not in set(table["deployment"])]
        lacking = [f"No successful request whose parts are known (`Server-Timing`): {', '.join(unknown)}."]
        lines = [*(lacking if unknown else []), *read.lost]
        if table.empty:
            return Shown([f"There is nothing to split under {scenario}.", *lines], table)
        first = (
            f"Mean time by part of {endpoint or ALL} under {scenario}, and of those between {named(quantile)} of their "
            "run; without an interval."
        )
        figure = bars(table, "deployment", quantile)
        return Shown([first, *sentences(table, "deployment"), *lines], table, figure)

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Menus and slider, and what they show."""
        menus = ipywidgets.HBox([self._scenario, self._endpoint, self._slider], layout={"flex_flow": "row wrap"})
        return plot_style.styled([menus, self._below])


def _set(menu: ipywidgets.Dropdown, kind: str, value: str) -> None:
    if value not in menu.options:
        raise RecordingError(f"there is no {kind} {value!r} to choose; there are {', '.join(menu.options)}")
    menu.value = value
