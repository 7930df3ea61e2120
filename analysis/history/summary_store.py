"""Summaries of experiments, kept beside the recordings: an experiment that did not change is not read once more.

A summary is kept under the name of its experiment with a stamp: path, size and times of every file of the recording,
and the digest of the part of the program that computes it. Where the stamp is another one, or the file no summary, the
recording is read. One of the times is that of the last change of status, which a program that edits a file cannot set.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from workbench import atomic
from workbench.errors import RecordingError
from workbench.paths import REPOSITORY, data_directory, is_id
from workbench.program_digest import program_digest
from workbench.recording import open_experiment
from workbench.terminal import echo

from .experiment_summary import ExperimentSummary

PROGRESS_EVERY_S = 30.0  # a line about how far a long reading is
FOLDER = "history"  # below the folder of all data
# The folders and modules on which the content of a summary depends.
PROGRAM = (
    "workbench",
    "analysis/capacity",
    "analysis/metrics",
    "analysis/stats",
    "analysis/ablation.py",
    "analysis/effect_tables.py",
    "analysis/environment_facts.py",
    "analysis/experiment_looks.py",
    "analysis/speedup.py",
    "analysis/history/experiment_row.py",
    "analysis/history/experiment_summary.py",
    "analysis/history/headline_values.py",
)
MAX_BYTES = 4_000_000  # of a file with a summary; that of an experiment with forty arms has some ten thousand


@dataclass(frozen=True)
class Summaries:
    """The experiments of a folder.

    experiments: the readable ones, by machine and then by time
    problems: a message for each that was changed or cannot be read
    changed: the number of experiments that were changed after they were sealed
    """

    experiments: tuple[ExperimentSummary, ...]
    problems: tuple[str, ...]
    changed: int = 0

    @classmethod
    def of_folder(cls, directory: Path) -> "Summaries":
        """Read the experiments of a folder."""
        experiments, problems, changed = [], [], 0
        paths, next_line_s = sorted(directory.glob("*/experiment.json")), time.monotonic() + PROGRESS_EVERY_S
        for number, path in enumerate(paths):
            if time.monotonic() > next_line_s:
                echo(f"history: {number} of {len(paths)} experiments are read; what was read is kept", err=True)
                next_line_s = time.monotonic() + PROGRESS_EVERY_S
            try:
                experiments.append(summary_of(path.parent))
            except ChangedError as error:
                changed += 1
                problems.append(str(error))
            except RecordingError as error:
                problems.append(str(error))
        experiments.sort(key=lambda each: (each.row["machine"], each.row["started"]))
        return cls(tuple(experiments), tuple(problems), changed)


class ChangedError(RecordingError):
    """A recording that is not as it was sealed."""


def summary_of(directory: Path) -> ExperimentSummary:
    """Return the summary of an experiment, the kept one where nothing changed since.

    Raises `RecordingError` for one that cannot be read, `ChangedError` for one that was changed.
    """
    path = data_directory() / FOLDER / f"{directory.name}.json"
    stamp = _stamp(directory)
    if kept := _kept(path, stamp):
        return kept
    experiment = open_experiment(directory)
    if problems := experiment.own_problems():
        raise ChangedError(f"{directory} was changed: {problems[0]}")
    summary = ExperimentSummary.of(experiment)
    if is_id(directory.name) and experiment.record["status"] != "running":
        with suppress(OSError):  # a folder that cannot be written to costs time only
            path.parent.mkdir(exist_ok=True)
            atomic.write_text(path, json.dumps({"stamp": stamp, "summary": summary.stored()}))
    return summary


def _kept(path: Path, stamp: str) -> ExperimentSummary | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        return ExperimentSummary.from_stored(content["summary"]) if content["stamp"] == stamp else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _stamp(directory: Path) -> str:
    """A digest of the place and the files of a recording, and of the program."""
    files = (f"{name}\0{each.st_size} {each.st_mtime_ns} {each.st_ctime_ns}" for name, each in _files(directory))
    lines = [str(directory.resolve()), _program(), *sorted(files)]
    return sha256("\n".join(lines).encode(errors="replace")).hexdigest()


def _files(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield each file below a folder by its path; links are not followed."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from ((f"{entry.name}/{name}", status) for name, status in _files(Path(entry.path)))
            else:
                yield entry.name, entry.stat(follow_symlinks=False)


def program_files() -> Iterator[Path]:
    """Yield the files of `PROGRAM`."""
    for part in PROGRAM:
        path = REPOSITORY / part
        yield from path.rglob("*.py") if path.is_dir() else [path]


@cache
def _program() -> str:
    return program_digest(program_files())
