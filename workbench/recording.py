"""Opening what was recorded: runs, experiments, and the newest of them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import comparability
from .errors import RecordingError
from .recorded_experiment import Experiment, planned
from .recorded_run import Run
from .run_record import read as read_record

__all__ = ["Experiment", "Run", "arm", "newest_experiment", "open_experiment", "open_run"]


def arm(table: pd.DataFrame, deployment: str, scenario: str) -> pd.DataFrame:
    """The rows of a table of runs that are of one deployment under one scenario."""
    return table[(table["deployment"] == deployment) & (table["scenario"] == scenario)]


def open_run(path: Path | str, without_types: Sequence[str] = ()) -> Run:
    """Open a run's directory, without the requests of these types. Raises `RecordingError` if it is none."""
    directory = Path(path)
    return Run(directory, read_record(directory, "run"), tuple(without_types))


def open_experiment(path: Path | str, without_types: Sequence[str] = ()) -> Experiment:
    """Open an experiment's directory with all of its runs, without the requests of these types.

    Raises `RecordingError` if it is none, or if its runs were made on different machines or datasets.
    """
    directory = Path(path)
    record = read_record(directory, "experiment")
    entries = planned(record)
    names = [run["run"] for run in entries if isinstance(run, dict) and isinstance(run.get("run"), str)]
    if len(set(names)) < len(entries):
        raise RecordingError(f"{directory / 'experiment.json'} lists a run twice, or one without a name")
    recorded = [name for name in names if (directory / name / "run.json").exists()]
    runs = tuple(open_run(directory / name, without_types) for name in recorded)
    plan = {"environment": record["environment"], "dataset": record.get("dataset")}
    if differences := comparability.differences([plan, *(run.record for run in runs)], comparability.DECISIVE):
        raise RecordingError(
            f"the runs of {directory} differ in {' and '.join(differences)} and cannot be compared; measure again"
        )
    return Experiment(directory, record, runs)


def newest_experiment(runs_directory: Path) -> Path:
    """The complete experiment that ended last. Raises `RecordingError` if there is none."""
    stored = [path for path in runs_directory.glob("*/experiment.json") if _is_complete(path)]
    if not stored:
        raise RecordingError(f"no complete experiment in {runs_directory}; make report measures one")
    return max(stored, key=lambda path: path.stat().st_mtime).parent


def _is_complete(path: Path) -> bool:
    try:
        return open_experiment(path.parent).is_complete()
    except RecordingError:
        return False
