"""The experiment that this process opened last, to be used again as long as all of its files are as they were sealed.

The SHA-256 of its record stands for every byte of it: the record has the digest of each run's record, and these have
the digests of all files. Where every digest still fits, nothing that was read from a file, or computed from it, can be
another one.
"""

from pathlib import Path

from . import defects
from .record_format import is_sealed
from .recorded_experiment import Experiment

_last: dict[tuple[Path, str], Experiment] = {}


def same_or_new(experiment: Experiment, sha256: str) -> Experiment:
    """The experiment that was opened before from the same files, or this one; `sha256` is that of its record."""
    key = experiment.directory.resolve(), sha256
    before = _last.get(key)
    if before is not None and _is_as_sealed(experiment) and not _had_defects(before):
        return before
    _last.clear()
    _last[key] = experiment
    return experiment


def _is_as_sealed(experiment: Experiment) -> bool:
    """True where each file was sealed, and is compared with its seal just now."""
    return (
        is_sealed(experiment.record)
        and not experiment.own_problems()
        and all(
            is_sealed(run.record)
            and not run.mismatches
            and not any(defects.of_files(run.directory, run.record, digests=True))
            for run in experiment.runs
        )
    )


def _had_defects(experiment: Experiment) -> bool:
    """True where a file was another one when it was looked at."""
    seen = (vars(run).get("defects", ()) for run in experiment.runs)
    return bool(experiment.own_problems()) or any(
        defect.is_total for defects_of_run in seen for defect in defects_of_run
    )
