"""Opening what was recorded: runs, experiments, and the newest of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from . import comparability, declared_arms, defects, opened_before, seal
from .defects import Defect
from .errors import RecordingError
from .record_format import is_sealed
from .recorded_experiment import Experiment, planned
from .recorded_run import Run
from .redaction import redacted
from .rows_check import examined
from .run_record import FILES, StoredRecord
from .run_record import read as read_record
from .verdicts import COMPLETE

PREDICTIONS = "predictions/*.json"  # files of an experiment beside its runs
SET_ASIDE = ".stopped-"  # in the name of a run that was cut off, and was run again

__all__ = ["SET_ASIDE", "Experiment", "Run", "arm", "newest_experiment", "open_experiment", "open_run"]


def arm(table: pd.DataFrame, deployment: str, scenario: str) -> pd.DataFrame:
    """The rows of a table of runs that are of one deployment under one scenario."""
    return table[(table["deployment"] == deployment).to_numpy(bool) & (table["scenario"] == scenario).to_numpy(bool)]


def open_run(
    path: Path | str, without_types: Sequence[str] = (), *, checks_digests: bool = False, origin: str = ""
) -> Run:
    """Open a run's directory, without the requests of these types. Raises `RecordingError` if it is none.

    Small files are compared with their seals in their content, large ones in their size; with `checks_digests` all
    are in their content. `origin` is the URL of an object store that has its request rows, see `recording_place`.
    """
    directory = Path(path)
    with _naming(origin, directory):
        stored = read_record(directory, "run")
        mismatches = tuple(_record_defects(directory, stored, "run"))
    return Run(directory, stored.content, mismatches, checks_digests, tuple(without_types), origin)


def open_experiment(
    path: Path | str, without_types: Sequence[str] = (), *, checks_digests: bool = False, origin: str = ""
) -> Experiment:
    """Open an experiment's directory with all of its runs; the arguments are as in `open_run`.

    With `checks_digests` an experiment all of whose files are as they were sealed is the same object as before, so that
    its tables are computed once. Raises `RecordingError` if it is none, or if its runs were made on different machines,
    datasets or versions of the code; those of a comparison of arms may have other code where it declares that.
    """
    with _naming(origin, Path(path)):
        return _opened_experiment(Path(path), without_types, checks_digests, origin)


@contextmanager
def _naming(origin: str, directory: Path) -> Iterator[None]:
    """Let errors name the URL of a recording in an object store, and not the folder of its copy."""
    try:
        yield
    except RecordingError as error:
        if not origin:
            raise
        raise RecordingError(error.message.replace(str(directory), redacted(origin))) from None


def _opened_experiment(directory: Path, without_types: Sequence[str], checks_digests: bool, origin: str) -> Experiment:
    stored = read_record(directory, "experiment")
    record = stored.content
    names = [run["run"] for run in planned(record)]
    if len(set(names)) < len(names):
        raise RecordingError(f"{directory / 'experiment.json'} lists a run twice, or one without a name")
    present = [name for name in names if (directory / name / FILES["run"]).exists()]
    opened, unreadable = _open_runs(directory, present, record, checks_digests)
    runs = _examined(opened, without_types, origin)
    plan = {"environment": record["environment"], "dataset": record.get("dataset")}
    decisive = {**comparability.DECISIVE, **comparability.CODE}
    if declared_arms.declared(record):
        del decisive["fingerprint"]  # of rows and schema; the schema is a fact of each arm's source
    differences = [
        *comparability.differences([plan, *(run.record for run in runs)], decisive),
        *declared_arms.differences(record, (run.record for run in runs)),
    ]
    if differences:
        raise RecordingError(
            f"the runs of {directory} differ in {' and '.join(differences)} and cannot be compared; measure again"
        )
    mismatches = tuple(_record_defects(directory, stored, "experiment"))
    files = record.get("files") or {}
    lost = (*unreadable, *_lost_files(directory, files, present, checks_digests))
    if is_sealed(record) and record["status"] == COMPLETE:
        lost += tuple(_added_runs(directory, names))
    experiment = Experiment(directory, record, runs, mismatches, lost, checks_digests)
    return opened_before.same_or_new(experiment, stored.sha256) if checks_digests and not without_types else experiment


def _open_runs(
    directory: Path, names: Sequence[str], record: Mapping[str, Any], checks_digests: bool
) -> tuple[list[Run], list[tuple[str, str]]]:
    """The runs of an experiment, and of a sealed one the records that cannot be read, each with its problem.

    Raises `RecordingError` for such a record of an experiment that has no seal to say that it was changed.
    """
    runs, unreadable = [], []
    for name in names:
        try:
            runs.append(_open_planned(directory, name, record, checks_digests))
        except RecordingError as error:
            if not is_sealed(record) or (directory / name).is_symlink():
                raise
            problem = str(error).removeprefix(f"{directory / name / FILES['run']} ").partition(";")[0]
            unreadable.append((f"{name}/{FILES['run']}", problem))
    return runs, unreadable


def _examined(opened: Sequence[Run], without_types: Sequence[str], origin: str) -> tuple[Run, ...]:
    """The runs without these request types; rows that are elsewhere are examined, those of all runs at once."""
    runs = tuple(
        replace(run, without_types=tuple(without_types), origin=f"{origin}/{run.name}" if origin else "")
        for run in opened
    )
    with_rows = [run for run in runs if run.has_load and run.has_rows_elsewhere]
    for run, result in zip(with_rows, examined([run.examination for run in with_rows]), strict=True):
        vars(run)["rows_check"] = result
    return runs


def _added_runs(directory: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the records of runs that the experiment did not make; those that were set aside are its own."""
    for path in sorted(directory.glob(f"*/{FILES['run']}")):
        if path.parent.name not in names and SET_ASIDE not in path.parent.name:
            yield f"{path.parent.name}/{path.name}", seal.ADDED


def _open_planned(directory: Path, name: str, record: Mapping[str, Any], checks_digests: bool) -> Run:
    """Open a run of an experiment, and compare its record with the seal in the experiment's."""
    if (directory / name).is_symlink():
        raise RecordingError(f"{directory / name} is a link out of its experiment; copy what it leads to")
    stored = read_record(directory / name, "run")
    mismatches = [*_record_defects(directory / name, stored, "run")]
    if not mismatches and (problem := _problem_within(record, stored, name)):
        mismatches.append(defects.of_seal(FILES["run"], problem))
    return Run(directory / name, stored.content, tuple(mismatches), checks_digests)


def _problem_within(record: Mapping[str, Any], stored: StoredRecord, name: str) -> str:
    """What is wrong with a run's record as a part of its experiment; empty where nothing is."""
    if stored.content.get("run", name) != name:
        return f"is that of another run, {stored.content['run']}"
    if stored.content.get("experiment", record["experiment"]) != record["experiment"]:
        return f"is of another experiment, {stored.content['experiment']}"
    entry = (record.get("files") or {}).get(f"{name}/{FILES['run']}")
    if entry is None:
        was_added = is_sealed(record) and record["status"] == COMPLETE
        return f"{seal.ADDED} after the experiment was sealed" if was_added else ""
    if entry["sha256"] != stored.sha256:
        return f"{seal.CHANGED} after the run had ended"
    return ""


def _record_defects(directory: Path, stored: StoredRecord, kind: str) -> Iterator[Defect]:
    for file, problem in seal.record_mismatches(directory / FILES[kind], stored.content, stored.sha256):
        yield defects.of_seal(file, f"{problem} after the {kind} had ended" if problem == seal.CHANGED else problem)


def _lost_files(
    directory: Path, files: seal.Files, present: list[str], checks_digests: bool
) -> Iterator[tuple[str, str]]:
    """Yield files of an experiment that are missing or changed, its runs' records aside where they are there."""
    records = {f"{name}/{FILES['run']}" for name in present}
    others = {name: entry for name, entry in files.items() if name not in records}
    yield from seal.size_mismatches(directory, others)
    if files:
        present_files = (f"{path.parent.name}/{path.name}" for path in directory.glob(PREDICTIONS))
        yield from ((name, seal.ADDED) for name in sorted(set(present_files) - files.keys()))
    yield from seal.digest_mismatches(directory, others, None if checks_digests else seal.SMALL_BYTES)


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
