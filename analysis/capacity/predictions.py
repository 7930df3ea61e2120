"""Predictions of runs, read from the files that were written before the runs, beside what was measured.

`loadgen.prediction_log` writes them during a capacity search.
"""

import math
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from workbench.errors import RecordingError
from workbench.record_files import read_json
from workbench.recording import Experiment, Run

from .bracket import CapacityResult, capacity_results

DIRECTORY = "predictions"


@dataclass(frozen=True)
class PredictionRecord:
    """The content of one file.

    run: the predicted run, under the load `load`
    written: instant of writing (UTC, ISO 8601)
    base: the run from which the prediction was made
    changes: setting to its value in the base and in the predicted deployment
    capacity: predicted for the deployment under this family of loads
    throughput_rps, mean_ms, p95_ms: predicted under this load; p95 by endpoint
    """

    run: str
    written: str
    base: str
    changes: dict[str, tuple]
    load: float
    capacity: float
    throughput_rps: float
    mean_ms: float
    p95_ms: dict[str, float]


@dataclass(frozen=True)
class PredictedRun:
    """A run that was predicted, then measured."""

    prediction: PredictionRecord
    run: Run

    @property
    def predicted_ms(self) -> float:
        """The p95 response time of the endpoint that was predicted to be the slowest."""
        return max(self.prediction.p95_ms.values())

    @property
    def measured_ms(self) -> float:
        """The p95 response time of the endpoint that was the slowest."""
        return float(self.run.by_endpoint["response_p95_ms"].max())

    @property
    def largest_ms(self) -> float:
        """The longest response time that was observed, failed requests not counted."""
        return float(self.run.by_endpoint["response_max_ms"].max())

    @property
    def error(self) -> float:
        """The relative error of the predicted p95; −1 where the measured one reaches into dropped arrivals."""
        return self.predicted_ms / self.measured_ms - 1


@dataclass(frozen=True)
class PredictedCapacity:
    """A capacity search with the predictions of its runs; `base` is the deployment from which they were made."""

    result: CapacityResult
    base: str
    runs: tuple[PredictedRun, ...]

    @property
    def capacity(self) -> float:
        return self.runs[0].prediction.capacity

    @property
    def changes(self) -> dict[str, tuple]:
        """Setting to its value in the base and in the searched deployment."""
        return self.runs[0].prediction.changes

    @property
    def errors(self) -> tuple[float, float] | None:
        """The error of the predicted capacity, relative to the upper and to the lower bound of the bracket.

        The capacity is somewhere between them. None where a bound is not known.
        """
        if (ends := self.result.bracket.ends) is None:
            return None
        lower_bound, upper_bound = ends
        return self.capacity / upper_bound - 1, self.capacity / lower_bound - 1

    @property
    def is_within(self) -> bool:
        """True where the predicted capacity lies in the bracket."""
        return self.errors is not None and self.errors[0] < 0 <= self.errors[1]


def path_of(experiment: Path, run: str) -> Path:
    """The file with the prediction of a run of the experiment in this directory."""
    return experiment / DIRECTORY / f"{run}.json"


def predicted_runs(experiment: Experiment) -> tuple[list[PredictedRun], list[str]]:
    """The usable runs of an experiment that measured anything and were predicted, in their order, and problems.

    A problem is a line for each file that is no prediction, or was written after the start of its run.
    """
    predicted, problems = [], []
    changed = dict(experiment.lost)
    for run in experiment.usable:
        path = path_of(experiment.directory, run.name)
        if problem := changed.get(f"{DIRECTORY}/{path.name}"):
            problems.append(f"{path} {problem} after it was sealed")
            continue
        if run.totals is None or not path.exists():
            continue
        try:
            predicted.append(PredictedRun(_read(path, run), run))
        except RecordingError as error:
            problems.append(error.message)
    return predicted, problems


def predicted_capacities(experiment: Experiment) -> list[PredictedCapacity]:
    """The capacity searches of an experiment whose runs were predicted, in their order."""
    deployments = {run.name: run.deployment for run in experiment.runs}
    predicted, _ = predicted_runs(experiment)
    capacities = []
    for result in capacity_results(experiment):
        runs = tuple(prediction for prediction in predicted if result.covers(prediction.run))
        if runs:
            base = runs[0].prediction.base
            capacities.append(PredictedCapacity(result, deployments.get(base, base), runs))
    return capacities


def _read(path: Path, run: Run) -> PredictionRecord:
    try:
        content = read_json(path).value
        prediction = PredictionRecord(**{field.name: content[field.name] for field in fields(PredictionRecord)})
        belongs = _is_well_formed(prediction) and prediction.run == run.name
        before = datetime.fromisoformat(prediction.written) <= datetime.fromisoformat(run.record["started"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordingError):
        raise RecordingError(f"{path} is no prediction") from None
    if not belongs:
        raise RecordingError(f"{path} is no prediction of {run.name}")
    if not before:
        raise RecordingError(f"{path} was written after the start of its run, so it is no prediction")
    return prediction


def _is_well_formed(prediction: PredictionRecord) -> bool:
    """True where its numbers are positive and finite, and its changes pairs.

    Raises TypeError or AttributeError where a value is of another type.
    """
    p95_ms = list(prediction.p95_ms.values())
    numbers = [prediction.load, prediction.capacity, prediction.throughput_rps, prediction.mean_ms, *p95_ms]
    if not (p95_ms and all(0 < value < math.inf for value in numbers)):
        return False
    return all(len(ends) == 2 for ends in prediction.changes.values())
