"""What was foretold of runs before they ran, and what came of it."""

import json
import math
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from workbench.errors import RecordingError
from workbench.recording import Experiment, Run

from . import bracket as capacity
from .bracket import Found

DIRECTORY = "predictions"


@dataclass(frozen=True)
class Foretold:
    """One prediction: of `run` under a `load`, from the run `base`, less the `changes` (setting to its value there and
    here). `capacity` is what was foretold of the deployment; `written` the instant of writing (UTC, ISO 8601)."""

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
class Point:
    """A load that was foretold, and then run."""

    foretold: Foretold
    run: Run

    @property
    def foretold_ms(self) -> float:
        """p95 of the endpoint that was foretold to be the slowest."""
        return max(self.foretold.p95_ms.values())

    @property
    def measured_ms(self) -> float:
        """p95 of the endpoint that was the slowest, from when a request was due."""
        return float(self.run.by_endpoint["response_p95_ms"].max())

    @property
    def error(self) -> float:
        """Of the foretold p95, relative to the measured one."""
        return self.foretold_ms / self.measured_ms - 1


@dataclass(frozen=True)
class Outcome:
    """What was foretold of a search for capacity, and what it found; `base` is the deployment it was known from."""

    found: Found
    base: str
    points: tuple[Point, ...]

    @property
    def capacity(self) -> float:
        return self.points[0].foretold.capacity

    @property
    def changes(self) -> dict[str, tuple]:
        """Setting to its value in the base and in the searched deployment."""
        return self.points[0].foretold.changes

    @property
    def errors(self) -> tuple[float, float] | None:
        """Between which the error of the foretold capacity lies: relative to both ends of the bracket, as the capacity
        is somewhere between them. None where an end is not known."""
        certified, refuted = self.found.bracket.certified, self.found.bracket.refuted
        if certified is None or refuted is None:
            return None
        return self.capacity / refuted - 1, self.capacity / certified - 1

    @property
    def is_within(self) -> bool:
        """Whether what was foretold lies in the bracket."""
        return self.errors is not None and self.errors[0] < 0 <= self.errors[1]


def path_of(experiment: Path, run: str) -> Path:
    """Where the prediction of a run of the experiment in this directory is."""
    return experiment / DIRECTORY / f"{run}.json"


def read(experiment: Experiment) -> tuple[list[Point], list[str]]:
    """What was foretold of the usable runs of an experiment that measured anything, in their order; and a line for each
    file that is no prediction, or was written when its run had begun."""
    points, wrong = [], []
    for run in experiment.usable:
        path = path_of(experiment.directory, run.name)
        if run.totals is None or not path.exists():
            continue
        try:
            points.append(Point(_read(path, run), run))
        except RecordingError as error:
            wrong.append(error.message)
    return points, wrong


def outcomes(experiment: Experiment) -> list[Outcome]:
    """The searches of an experiment of which something was foretold, in their order."""
    deployments = {run.name: run.deployment for run in experiment.runs}
    points, _ = read(experiment)
    made = []
    for found in capacity.found(experiment):
        own = tuple(point for point in points if found.has(point.run))
        if own:
            made.append(Outcome(found, deployments.get(own[0].foretold.base, own[0].foretold.base), own))
    return made


def _read(path, run) -> Foretold:
    try:
        content = json.loads(path.read_text())
        foretold = Foretold(**{field.name: content[field.name] for field in fields(Foretold)})
        numbers = [foretold.load, foretold.capacity, foretold.throughput_rps, foretold.mean_ms]
        p95_ms = list(foretold.p95_ms.values())
        whole = p95_ms and all(0 < value < math.inf for value in [*numbers, *p95_ms])
        whole = whole and all(len(ends) == 2 for ends in foretold.changes.values()) and foretold.run == run.name
        early = _instant(foretold.written) <= _instant(run.record["started"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RecordingError(f"{path} is no prediction") from None
    if not whole:
        raise RecordingError(f"{path} is no prediction of {run.name}")
    if not early:
        raise RecordingError(f"{path} was written when its run had begun, so it foretells nothing")
    return foretold


def _instant(text):
    return datetime.fromisoformat(text)
