"""Predictions of the memory of runs under a limit, read from files written before the runs, beside what was measured.

`loadgen.memory_prediction_log` writes them during an experiment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from workbench.errors import RecordingError
from workbench.record_files import read_json
from workbench.recording import Experiment, Run

from .predictions import DIRECTORY

PREFIX = "memory-"
MIB = 2**20


@dataclass(frozen=True)
class MemoryPrediction:
    """The content of one file.

    run: the predicted run
    written: instant of writing (UTC, ISO 8601)
    base: the run whose costs the prediction uses
    limit_mib: the limit
    peak_bytes: the predicted peak, as if there were no limit
    """

    run: str
    written: str
    base: str
    limit_mib: int
    peak_bytes: float

    @property
    def fits(self) -> bool:
        return self.peak_bytes <= self.limit_mib * MIB


@dataclass(frozen=True)
class PredictedMemory:
    """A run under a limit whose memory was predicted, then measured."""

    prediction: MemoryPrediction
    run: Run

    @property
    def has_fitted(self) -> bool:
        """True if no process was ended for want of memory."""
        return not self.run.record["memory"].get("oom_kills")

    @property
    def measured_bytes(self) -> int | None:
        """The peak of the group; None where it met the limit, as more was needed, or was not read."""
        return self.run.record["memory"].get("peak_bytes") if self.has_fitted else None

    @property
    def error(self) -> float | None:
        """The relative error of the predicted peak."""
        measured = self.measured_bytes
        return self.prediction.peak_bytes / measured - 1 if measured else None


def memory_path(experiment: Path, run: str) -> Path:
    """The file with the prediction of the memory of a run of the experiment in this directory."""
    return experiment / DIRECTORY / f"{PREFIX}{run}.json"


def predicted_memory(experiment: Experiment) -> Iterator[PredictedMemory]:
    """The usable runs whose memory was limited, and predicted before they started."""
    changed = dict(experiment.lost)
    for run in experiment.usable:
        path = memory_path(experiment.directory, run.name)
        is_changed = f"{DIRECTORY}/{path.name}" in changed
        is_limited = (run.record.get("memory") or {}).get("enforced")
        prediction = _read(path, run) if is_limited and path.exists() and not is_changed else None
        if prediction:
            yield PredictedMemory(prediction, run)


def _read(path: Path, run: Run) -> MemoryPrediction | None:
    """The prediction; None for a file that is none of this run, or was written after its start."""
    try:
        content = read_json(path).value
        prediction = MemoryPrediction(**{field.name: content[field.name] for field in fields(MemoryPrediction)})
        written, started = (datetime.fromisoformat(text) for text in (prediction.written, run.record["started"]))
        is_positive = prediction.peak_bytes > 0 and prediction.limit_mib > 0
    except (OSError, ValueError, KeyError, TypeError, RecordingError):
        return None
    return prediction if is_positive and prediction.run == run.name and written <= started else None
