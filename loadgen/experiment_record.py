"""The record of an experiment, `experiment.json`: its runs, and the seals of those that have ended."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.capacity.predictions import DIRECTORY
from workbench import seal
from workbench.recorded_experiment import planned
from workbench.recording import open_run
from workbench.redaction import redacted_values

from .run_spec import RunSpec, run_name


def entries(specs: Sequence[RunSpec]) -> list[dict]:
    """The entries of runs in the record of an experiment."""
    return [{"run": run_name(spec), **asdict(spec)} for spec in specs]


def write(directory: Path, record: dict) -> None:
    """Write the record, sealed, with the seals of the runs that have ended and of the predictions."""
    record["files"] = _sealed_files(directory, record)
    seal.write(directory / "experiment.json", json.dumps(redacted_values(record), indent=2) + "\n")


def _sealed_files(directory: Path, record: dict) -> dict[str, dict]:
    """What the record says of its files: of each what it said before, or what it is now."""
    before = record.get("files") or {}
    runs = {f"{entry['run']}/run.json": directory / entry["run"] for entry in planned(record)}
    ended = [name for name, run_directory in runs.items() if name in before or _has_ended(run_directory)]
    names = [*ended, *(f"{DIRECTORY}/{path.name}" for path in sorted((directory / DIRECTORY).glob("*.json")))]
    return {name: before.get(name) or seal.describe(directory / name) for name in names}


def _has_ended(run_directory: Path) -> bool:
    if not (run_directory / "run.json").exists():
        return False
    run = open_run(run_directory)
    return run.status != "cut off" or run.was_ended_by_fault
