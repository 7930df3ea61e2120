"""Runs that are made again because a disturbance of the machine made them invalid."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from workbench.recorded_experiment import REPEATS
from workbench.recording import open_run
from workbench.run_record import FILES
from workbench.validity import DISPATCH_LAG, DISTURBANCES, FIRST_SENDS

from . import experiment_record
from .block_looks import Measure
from .plan import Plan
from .run_spec import run_name

# A generator at its limit is late, too; then its CPU has a gate that fails.
HELD_UP = {bound.name for bound in (*DISTURBANCES, DISPATCH_LAG, FIRST_SENDS)}


def measure_repeats(plan: Plan, directory: Path, record: dict, measure: Measure) -> None:
    """Make the disturbed runs of a plan again, each at most `plan.repeats` times, and add them to the record.

    Only gates of the load generator's timing decide, which know nothing of the system's responses.
    """
    timed = list(zip(plan.specs, plan.expected_s, strict=True))
    for repeat in range(1, plan.repeats + 1):
        timed = [(replace(spec, repeat=repeat), s) for spec, s in timed if _is_disturbed(directory / run_name(spec))]
        if not timed:
            return
        known = record.get(REPEATS, [])  # of an interrupted experiment
        entries = experiment_record.entries([spec for spec, _ in timed])
        record[REPEATS] = [*known, *(entry for entry in entries if entry not in known)]
        experiment_record.write(directory, record)
        measure(timed, 0.0)


def _is_disturbed(directory: Path) -> bool:
    """Whether gates of a run failed, and all of them say that the load generator was held up.

    A run that its fault ended is not made again: its end is the outcome, and it enters no other value.
    """
    if (directory / FILES["run"]).exists() and open_run(directory).was_ended_by_fault:
        return False
    failed = set(_failed_gates(directory))
    return bool(failed) and failed <= HELD_UP


def _failed_gates(directory: Path) -> Iterator[str]:
    with suppress(OSError, ValueError):
        record = json.loads((directory / "run.json").read_text())
        yield from (gate["name"] for gate in record.get("gates") or () if gate["passed"] is False)
