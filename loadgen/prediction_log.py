"""Predictions of the runs of a capacity search, each written to a file before its run.

A prediction starts from a run of the experiment's plan under a low load: of the searched deployment, or of one that
differs from it in modelled settings only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from analysis.capacity.predictions import PredictionRecord, path_of
from analysis.queueing.calibration import calibrate
from analysis.queueing.preconditions import MODELLED_SETTINGS, PredictionError, settings_of
from analysis.queueing.what_if import DeploymentModel
from workbench import atomic
from workbench.errors import RecordingError
from workbench.recording import Run, open_run

from . import deployments, progress, scenarios
from .profile import Search
from .run_spec import RunSpec, run_name


class PredictionLog:
    """The predictions of an experiment, from the complete runs of its plan (`specs`).

    Models, capacities and loads are computed once for each search. `failures` are the lines that say which prediction
    is missing, and why.
    """

    def __init__(self, directory: Path, specs: Sequence[RunSpec]):
        self._directory, self._specs = directory, specs
        self.failures: list[str] = []
        self.capacity = cache(self._predict_capacity)
        self._model = cache(self._create_model)
        self._load = cache(lambda search, load: self._model(search).predict(search.family, load))

    def record(self, search: Search, spec: RunSpec) -> None:
        """Write the prediction of a run of the search, if there is one and the run has not started.

        A file that is there already stays as it is.
        """
        path = path_of(self._directory, run_name(spec))
        capacity = self.capacity(search)
        if capacity is None or path.exists() or (self._directory / run_name(spec)).exists():
            return
        load = float(spec.scenario.removeprefix(f"{search.family}-"))
        try:
            prediction = self._load(search, load)
        except PredictionError as error:
            self._report(f"{spec.deployment} under {spec.scenario} cannot be predicted: {error}")
            return
        content = PredictionRecord(
            run=run_name(spec),
            written=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            base=self._base(search).name,
            changes=self._changes(search),
            load=load,
            capacity=capacity,
            throughput_rps=prediction.throughput_rps,
            mean_ms=prediction.mean_ms,
            p95_ms=prediction.p95_ms,
        )
        path.parent.mkdir(exist_ok=True)
        atomic.write_text(path, json.dumps(asdict(content), indent=2) + "\n")

    def _predict_capacity(self, search: Search) -> float | None:
        """The predicted capacity, a whole number; None without a base.

        Where the model has no prediction it is None too, with a line in `failures`.
        """
        if not search.base:
            return None
        highest = search.most or scenarios.FAMILIES[search.family].max_number
        try:
            capacity = self._model(search).capacity(search.family, highest, search.p95_ms)
            if capacity is None:
                raise PredictionError("the model sustains no load")
            return float(max(1, round(capacity)))
        except (PredictionError, RecordingError) as error:
            self._report(f"the capacity of {search.deployment}, {search.family}, cannot be predicted: {error}")
            return None

    def _report(self, failure: str) -> None:
        if failure not in self.failures:
            self.failures.append(failure)
            progress.report(failure)

    def _create_model(self, search: Search) -> DeploymentModel:
        settings = self._settings(search)
        hash_ms = self._hash_ms(search, settings["password_hash"])
        model = DeploymentModel.from_run(self._base(search), settings, hash_ms=hash_ms)
        return model.with_duration(search.warmup_s, search.duration_s)

    def _changes(self, search: Search) -> dict[str, tuple]:
        base, searched = settings_of(self._base(search)), self._settings(search)
        return {name: (base[name], searched[name]) for name in MODELLED_SETTINGS if base[name] != searched[name]}

    def _base(self, search: Search) -> Run:
        """The first valid run of the base, or its first one where none is valid."""
        arm = (search.base, search.base_scenario)
        specs = [spec for spec in self._specs if (spec.name, spec.scenario) == arm]
        runs = [open_run(self._directory / run_name(spec)) for spec in specs]
        return next((run for run in runs if run.record["valid"]), runs[0])

    def _hash_ms(self, search: Search, scheme: str) -> float | None:
        """The time of a hash by this scheme, from another run of the plan where the base has another scheme."""
        if settings_of(self._base(search))["password_hash"] == scheme:
            return None
        for spec in self._specs:
            if self._settings_of_deployment(spec.deployment)["password_hash"] == scheme:
                run = open_run(self._directory / run_name(spec))
                demands = calibrate(run) if run.record["valid"] else None
                if demands is not None and (hash_ms := demands.hash_ms()):
                    return hash_ms
        return None

    def _settings(self, search: Search) -> Mapping:
        """The settings that the searched runs will record; those of an arm of a user's own are those of its base."""
        if search.deployment == search.base:
            return settings_of(self._base(search))
        return self._settings_of_deployment(search.deployment)

    def _settings_of_deployment(self, deployment: str) -> Mapping:
        """The settings that a run of the deployment will record, but for its own database."""
        return deployments.settings_for(deployment, scale=self._specs[0].scale, login_throttle=False).public()
