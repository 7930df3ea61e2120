"""Checking a recording: its files against their seals, and its gates against its files."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadgen import run_gates
from workbench.arms import START
from workbench.record_format import is_sealed
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.request_schema import STORED
from workbench.seal import file_digest
from workbench.verdicts import COMPLETE


@dataclass(frozen=True)
class Verification:
    """The result: a line for each mismatch, of which `max_shown` are shown, and a sentence about the whole.

    `is_summed_up` says that the sentence is of use beside mismatches too.
    """

    name: str
    mismatches: tuple[str, ...]
    summary: str
    is_summed_up: bool = False
    max_shown: int | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a terminal shows."""
        yield from self.mismatches[: self.max_shown]
        if self.max_shown is not None and (others := len(self.mismatches) - self.max_shown) > 0:
            yield f"and {others} other{'s' if others > 1 else ''}"
        if self.is_summed_up or not self.mismatches:
            yield self.summary


def verify(path: Path, digest: str = "") -> Verification:
    """Check the experiment or the run in a folder; `digest` is what the SHA-256 of its record should be.

    Raises `RecordingError` for a folder with neither.
    """
    if (path / "experiment.json").exists():
        experiment = open_experiment(path, checks_digests=True)
        lines = [*_of_digest(path / "experiment.json", digest), *_of_experiment(experiment)]
        count = f"{len(experiment.runs)} runs"
        return Verification(experiment.name, tuple(lines), _summary(experiment.name, count, experiment.record))
    run = open_run(path, checks_digests=True)
    lines = [*_of_digest(path / "run.json", digest), *_of_run(run, run.name)]
    return Verification(run.name, tuple(lines), _summary(run.name, "one run", run.record))


def _summary(name: str, count: str, record: dict) -> str:
    if is_sealed(record):
        return f"{name} is as it was recorded: {count}"
    return f"{name} is unsealed, so changes do not show; its gates follow from its files: {count}"


def _of_digest(path: Path, digest: str) -> Iterator[str]:
    if digest and file_digest(path) != digest.lower():
        yield f"{path.parent.name}: the SHA-256 of {path.name} is {file_digest(path)}, not {digest}"


def _of_experiment(experiment: Experiment) -> Iterator[str]:
    for problem in experiment.own_problems():
        yield f"{experiment.name}: {problem}"
    for run in experiment.runs:
        yield from _of_run(run, f"{experiment.name}/{run.name}")
    yield from _repeated(experiment)


def _of_run(run: Run, name: str) -> Iterator[str]:
    problems = [defect.problem for defect in run.defects if defect.is_total]
    yield from (f"{name}: {problem}" for problem in problems)
    if not problems and run.status == COMPLETE and run.record["scenario"]["kind"] != START:
        yield from (f"{name}: {problem}" for problem in _other_gates(run))


def _other_gates(run: Run) -> Iterator[str]:
    """Gates whose recorded value is not the one that follows from the run's files."""
    evaluated = {gate.name: gate.value for gate in run_gates.of_recording(run.directory, run.record)}
    for gate in run.record.get("gates", []):
        if gate["name"] in evaluated and not _is_same(gate["value"], evaluated[gate["name"]]):
            yield f"{gate['name']} is recorded as {gate['value']}, and is {evaluated[gate['name']]} by its files"


def _is_same(recorded: float | None, evaluated: float | None) -> bool:
    if recorded is None or evaluated is None:
        return recorded is evaluated
    return math.isclose(recorded, evaluated, rel_tol=1e-6, abs_tol=1e-9)


def _repeated(experiment: Experiment) -> Iterator[str]:
    """Runs that have the same request rows, which no two runs can have measured."""
    names = defaultdict(list)
    for run in experiment.runs:
        if run.record["scenario"]["kind"] != START and run.is_readable() and (run.directory / STORED).exists():
            names[file_digest(run.directory / STORED)].append(run.name)
    for same in names.values():
        if len(same) > 1:
            yield f"{experiment.name}: {', '.join(same)} have the same {STORED}"
