"""The recording that a page is made of, by the name that its user gave, or the newest one."""

from pathlib import Path

from workbench.errors import RecordingError, UserError
from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.recording import Experiment, Run, newest_experiment, open_experiment, open_run
from workbench.recording_place import recording_place

BUILD = "python -m reports build"


def recorded_experiment(name: str) -> Experiment:
    """Open an experiment by its id, folder or URL, the newest complete one if `name` is empty.

    Raises `UserError` that says what to do where there are runs only.
    """
    if not name:
        return open_experiment(_newest(), checks_digests=True)
    path, origin = recording_place(name)
    if (path / "run.json").exists():
        raise UserError(f"{name} is one run and no experiment; its page: {BUILD} --run {name}")
    return open_experiment(path, checks_digests=True, origin=origin)


def recorded_run(name: str) -> Run:
    """Open a run by its id, folder or URL. Raises `UserError` that says what to do for an experiment."""
    path, origin = recording_place(name)
    if (path / "experiment.json").exists():
        raise UserError(f"{name} is an experiment and no run; its page: {BUILD} --experiment {name}")
    if not path.is_dir() and _is_single_run(name):
        path = runs_directory() / SINGLE_RUNS / name
    return open_run(path, checks_digests=True, origin=origin)


def single_runs() -> list[Path]:
    """The folders of the runs that belong to no experiment, the newest first by their names."""
    return sorted((path.parent for path in (runs_directory() / SINGLE_RUNS).glob("*/run.json")), reverse=True)


def _newest() -> Path:
    try:
        return newest_experiment(runs_directory())
    except RecordingError as error:
        if not (runs := single_runs()):
            raise
        number = "one single run" if len(runs) == 1 else f"{len(runs)} single runs"
        raise UserError(
            f"{error}\nThere {'is' if len(runs) == 1 else 'are'} {number}; the page of the newest: "
            f"{BUILD} --run {SINGLE_RUNS}/{runs[0].name}"
        ) from None


def _is_single_run(name: str) -> bool:
    """True for the bare name of a run, without its folder."""
    return "/" not in name and (runs_directory() / SINGLE_RUNS / name / "run.json").exists()
