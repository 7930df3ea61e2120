"""What was foretold of runs before they ran, and what came of it."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

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


def path_of(experiment: Path, run: str) -> Path:
    """Where the prediction of a run of the experiment in this directory is."""
    return experiment / DIRECTORY / f"{run}.json"


def read(experiment: Experiment) -> list[tuple[Foretold, Run]]:
    """The predictions of an experiment's usable runs, each with its run, in the order of the runs.

    Raises `RecordingError` for a file that is no prediction, or was written when its run had begun.
    """
    paths = ((run, path_of(experiment.directory, run.name)) for run in experiment.usable)
    return [(_read(path, run), run) for run, path in paths if path.exists()]


def _read(path, run) -> Foretold:
    try:
        content = json.loads(path.read_text())
        foretold = Foretold(**{field.name: content[field.name] for field in fields(Foretold)})
        numbers = [foretold.load, foretold.capacity, foretold.throughput_rps, foretold.mean_ms]
        whole = all(isinstance(value, int | float) for value in [*numbers, *foretold.p95_ms.values()])
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
