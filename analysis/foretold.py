"""What was foretold of runs before they ran, and what came of it."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from . import capacity
from .capacity import Found
from .problem import RecordingError
from .recording import Experiment, Run

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
    def slowest(self) -> str:
        """The endpoint whose p95 was foretold to be the largest."""
        return max(self.foretold.p95_ms, key=self.foretold.p95_ms.__getitem__)

    @property
    def foretold_ms(self) -> float:
        """Its p95."""
        return self.foretold.p95_ms[self.slowest]

    @property
    def measured_ms(self) -> float | None:
        """Its p95 from when a request was due; None where none was measured."""
        measured = self.run.by_endpoint.set_index("endpoint")["response_p95_ms"]
        return float(measured[self.slowest]) if self.slowest in measured else None

    @property
    def error(self) -> float | None:
        """Of the foretold p95, relative to the measured one."""
        return None if self.measured_ms is None else self.foretold_ms / self.measured_ms - 1


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
    def error(self) -> float | None:
        """How far the foretold capacity is from the nearer end of the bracket, 0 within it; None where that end is
        not known."""
        certified, refuted = self.found.bracket.certified, self.found.bracket.refuted
        if certified is not None and self.capacity < certified:
            return self.capacity / certified - 1
        if refuted is not None and self.capacity > refuted:
            return self.capacity / refuted - 1
        return None if certified is None or refuted is None else 0.0


def path_of(experiment: Path, run: str) -> Path:
    """Where the prediction of a run of the experiment in this directory is."""
    return experiment / DIRECTORY / f"{run}.json"


def read(experiment: Experiment) -> list[Point]:
    """What was foretold of the usable runs of an experiment, in their order.

    Raises `RecordingError` for a file that is no prediction, or was written when its run had begun.
    """
    paths = ((run, path_of(experiment.directory, run.name)) for run in experiment.usable)
    return [Point(_read(path, run), run) for run, path in paths if path.exists()]


def outcomes(experiment: Experiment) -> list[Outcome]:
    """The searches of an experiment of which something was foretold, in their order."""
    deployments = {run.name: run.deployment for run in experiment.runs}
    points = read(experiment)
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
        whole = p95_ms and all(isinstance(value, int | float) for value in [*numbers, *p95_ms])
        early = _instant(foretold.written) <= _instant(run.record["started"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RecordingError(
            f"{path} is no prediction; remove it, and the rest of the experiment can be read"
        ) from None
    if not whole or foretold.run != run.name:
        raise RecordingError(f"{path} is no prediction of {run.name}; remove it, and the rest can be read")
    if not early:
        raise RecordingError(f"{path} was written when its run had begun, so it foretells nothing; remove it")
    return foretold


def _instant(text):
    return datetime.fromisoformat(text)
