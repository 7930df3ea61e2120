"""Opening a recorded experiment, or one of its runs, as an object of the lab."""

from pathlib import Path

from workbench import recording
from workbench.errors import RecordingError
from workbench.recording_place import experiment_place, recording_place

from .lab_experiment import LabExperiment
from .lab_run import LabRun


def open_experiment(name: str | Path = "") -> LabExperiment:
    """Open the newest complete experiment, or the one with this id, folder or URL of an object store.

    Raises `RecordingError` where there is none, or where it cannot be read.

        exp = open_experiment()
        exp.runs
    """
    try:
        path, origin = experiment_place(str(name))
    except RecordingError as error:
        raise error if name else RecordingError(f"{error}; 01-measure.ipynb measures one") from None
    return LabExperiment(recording.open_experiment(path, origin=origin))


def open_run(name: str | Path) -> LabRun:
    """Open a run by its folder, URL or id, `<experiment>/<run>`. Raises `RecordingError` where it cannot be read."""
    path, origin = recording_place(str(name))
    return LabRun(recording.open_run(path, origin=origin))
