"""An experiment in the lab: its runs, its changes and effects, and predictions from it."""

from collections.abc import Iterable
from functools import cached_property

import pandas as pd

from analysis.queueing.preconditions import PredictionError
from workbench.arms import BASELINE, BURST_50, SUSTAINED_100, TUNED
from workbench.declared_arms import declared
from workbench.errors import RecordingError
from workbench.recording import Experiment, Run

from . import experiment_parts
from .arms_view import ArmsView
from .effects_plot import effects
from .lab_change import LabChange
from .lab_requests import query
from .lab_run import LabRun
from .plans_comparison import PlansComparison, compared
from .prediction import predict_load, track_record
from .shown import Shown, SummaryView
from .split_view import SplitView
from .what_if_panel import WhatIfPanel

MAX_NAMED = 12


class LabExperiment(SummaryView):
    """A recorded experiment.

        exp.runs                                          # a row for each run
        exp.effects("burst-50")                           # every change, with intervals
        exp.change("as-measured", "tuned").why("login")   # where the time of a request went
        exp.plans("as-measured", "tuned")                 # query plans side by side
        exp.run("tuned", "burst-50", block=1).timeline()  # its requests, to brush
        exp.what_if(workers=4)                            # a prediction

    `table` has a row for each arm: how many runs were planned, and how many are valid. `recorded` is the experiment as
    the analysis reads it.
    """

    def __init__(self, recorded: Experiment):
        self.recorded = recorded

    @cached_property
    def runs(self) -> Shown:
        """A row for each run: its arm, its block, whether it is valid, and its headline metrics."""
        table = self.recorded.overview().rename(columns={"makespan_s": "duration_s"})
        if table.empty:
            return Shown([*self.recorded.summary(), "It has no run yet."], table)
        reasons = {run.name: _validity(run) for run in self.recorded.runs}
        table["valid"] = table["run"].map(reasons)
        return Shown(self.recorded.summary(), table)

    @cached_property
    def _summary(self) -> Shown:
        return Shown(self.recorded.summary(), experiment_parts.arms(self.recorded))

    @cached_property
    def deployments(self) -> Shown:
        """A row for each deployment: what it is."""
        return experiment_parts.described(self.recorded, "deployment")

    @cached_property
    def scenarios(self) -> Shown:
        """A row for each scenario: what its load is."""
        return experiment_parts.described(self.recorded, "scenario")

    @property
    def _deployments(self) -> list[str]:
        return list(dict.fromkeys(run.deployment for run in self.recorded.runs))

    @property
    def _scenarios(self) -> list[str]:
        return list(dict.fromkeys(run.scenario for run in self.recorded.runs))

    @property
    def baseline(self) -> str:
        """The deployment that others are compared with: the first declared arm, as-measured, or the first that ran."""
        arms = [arm.name for arm in declared(self.recorded.record)]
        return next((name for name in (*arms[:1], BASELINE, *self._deployments) if name in self._deployments), "")

    @property
    def candidate(self) -> str:
        """The deployment to compare with the baseline: tuned, or the first other one that ran."""
        others = [name for name in self._deployments if name != self.baseline]
        return TUNED if TUNED in others else next(iter(others), "")

    def change(self, before: str, after: str, scenario: str = "") -> LabChange:
        """The change from one deployment to another, under the scenario that both ran most often unless one is named.

        Raises `RecordingError` for names that the experiment lacks, and where the two share no scenario.

            exp.change("as-measured", "tuned").why()
        """
        for name in (before, after):
            _require("deployment", name, self._deployments)
        if scenario:
            _require("scenario", scenario, self._scenarios)
        return LabChange(self.recorded, before, after, scenario or self._shared_scenario(before, after))

    def _shared_scenario(self, before: str, after: str) -> str:
        """The scenario under which both have the most blocks; burst-50 before others."""
        blocks = {
            scenario: min(self.recorded.blocks(before, scenario), self.recorded.blocks(after, scenario))
            for scenario in self._scenarios
        }
        scenario = max(blocks, key=lambda name: (blocks[name], name == BURST_50), default="")
        if not scenario or not blocks[scenario]:
            raise RecordingError(f"{before} and {after} have no valid runs under one scenario in {self.recorded.name}")
        return scenario

    def effects(self, scenario: str = BURST_50, metric: str = "duration") -> Shown:
        """Every change that was measured under a scenario, with its interval; identical runs stand beside them.

        Raises `RecordingError` for a name that the experiment lacks.

            exp.effects("reads", "database time per successful request")
        """
        _require("scenario", scenario, self._scenarios)
        return effects(self.recorded, scenario, metric)

    def plans(self, before: str = "", after: str = "") -> PlansComparison:
        """The plans of two deployments' large statements side by side, the nodes that differ marked.

        Without names these are the baseline and the deployment to compare with it. Raises `RecordingError` for a name
        that the experiment lacks.

            exp.plans("as-measured", "tuned")
        """
        names = before or self.baseline, after or self.candidate
        for name in names:
            _require("deployment", name, self._deployments)
        return compared(self.recorded, *names)

    def arms(self) -> ArmsView:
        """Two deployments side by side, chosen from menus: waterfall, percentiles, effects.

        Raises `RecordingError` for an experiment without two deployments under one scenario.
        """
        return ArmsView(self.recorded, self.baseline, self.candidate)

    def split(
        self, scenario: str = BURST_50, endpoint: str = "", quantile: tuple[float, float] = (0.90, 0.99)
    ) -> SplitView:
        """Where the time of the requests between two quantiles went, by deployment; menus and a slider choose others.

        Raises `RecordingError` for a name that the experiment lacks.

            exp.split("burst-50", "login").choose(quantile=(0.99, 1))
        """
        _require("scenario", scenario, self._scenarios)
        return SplitView(self.recorded, scenario, endpoint, quantile)

    def run(self, deployment: str, scenario: str, block: int = 1, *, replicate: bool = False) -> LabRun:
        """A run by its arm and block; blocks count from 1. Raises `RecordingError` where there is none.

        exp.run("tuned", "burst-50", block=1)
        """
        _require("deployment", deployment, self._deployments)
        _require("scenario", scenario, self._scenarios)
        runs = [run for run in self.recorded.runs if (run.deployment, run.scenario) == (deployment, scenario)]
        for run in runs:
            if (run.block + 1, run.replicate) == (block, replicate):
                return LabRun(run, [each for each in runs if self.recorded.is_usable(each)])
        blocks = sorted({run.block + 1 for run in runs if run.replicate == replicate})
        there = f"blocks {_listed(blocks)}" if blocks else "no run"
        raise RecordingError(f"{deployment} under {scenario} has no run in block {block}; it has {there}")

    def what_if(self, deployment: str = TUNED, load: str = SUSTAINED_100, **settings: float | str) -> Shown:
        """Predict a deployment with other settings; earlier predictions stand beside it.

        Loads are `burst-USERS`, `sustained-USERS` and `open-RATE`. Settings are those of `python -m analysis what-if`,
        and of a steady load `hash_ms` and `hit_ratio`. Raises `UserError` for one that is not valid.

            exp.what_if(workers=4, round_trip_ms=5)
            exp.what_if("as-measured", "burst-50", workers=2)
        """
        _require("deployment", deployment, self._deployments)
        return predict_load(self.recorded, deployment, load, settings)

    def what_if_panel(self, deployment: str = TUNED) -> WhatIfPanel | Shown:
        """Sliders over the settings of a deployment; where no prediction can start from its runs, why."""
        _require("deployment", deployment, self._deployments)
        try:
            return WhatIfPanel(self.recorded, deployment)
        except PredictionError as error:
            return Shown([f"This cannot be predicted: {error}."], pd.DataFrame())

    @cached_property
    def predictions(self) -> Shown:
        """The predictions that were written before their runs, those of other experiments included."""
        record = track_record(self.recorded)
        return Shown([f"{len(record)} predictions were written before their runs."], record)

    def query(self, sql: str) -> Shown:
        """The result of SQL (DuckDB) over the requests of all runs: `requests`, and `measured`, those of that phase.

        Raises `RecordingError` with what the database says of the query.

            exp.query("SELECT deployment, block, max(latency_ms) FROM measured GROUP BY ALL ORDER BY ALL")
        """
        return query(self.recorded.usable, sql, f"the valid runs of {self.recorded.name}")


def _validity(run: Run) -> str:
    """A light and a word; for a run that is not valid its first reason."""
    if run.is_valid():
        return "● valid"
    reasons = [*run.record["reasons"], *map(str, run.defects), run.status]
    return f"○ {reasons[0]}"


def _require(kind: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        raise RecordingError(f"this experiment has no {kind} {name!r}; it has {_listed(names)}")


def _listed(names: Iterable[object]) -> str:
    texts = [str(name) for name in names]
    return ", ".join([*texts[:MAX_NAMED], *(["…"] if len(texts) > MAX_NAMED else [])]) or "none"
