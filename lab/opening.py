"""Opening a recorded experiment, or one of its runs, as an object of the lab."""

from pathlib import Path

from workbench import recording
from workbench.errors import RecordingError
from workbench.paths import recording_path, runs_directory
from workbench.recording import newest_experiment

from .lab_experiment import LabExperiment
from .lab_run import LabRun


def open_experiment(name: str | Path = "") -> LabExperiment:
    """Open the newest complete experiment, or the one with this id or folder.

    Raises `RecordingError` where there is none, or where it cannot be read.

        exp = open_experiment()
        exp.runs
    """
    return LabExperiment(recording.open_experiment(_path(name)))


def open_run(name: str | Path) -> LabRun:
    """Open a run by its folder or its id, `<experiment>/<run>`. Raises `RecordingError` where it cannot be read."""
    return LabRun(recording.open_run(recording_path(str(name))))


def _path(name: str | Path) -> Path:
    if name:
        return recording_path(str(name))
    try:
        return newest_experiment(runs_directory())
    except RecordingError as error:
        raise RecordingError(f"{error}; 01-measure.ipynb measures one") from None
