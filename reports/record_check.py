"""Checks that a decision may rest on an experiment: its records are complete and unchanged, and its findings follow."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields

from analysis.conclusions import conclusions
from analysis.findings import findings_file
from analysis.findings.finding import Finding
from analysis.findings.wording import counted
from workbench import shell_commands
from workbench.errors import RecordingError
from workbench.record_format import is_sealed
from workbench.recording import Experiment

MAX_LINES = 10
TOLERANCE = 1e-9  # of a number that is computed a second time: sums are made in another order


def require_unchanged(experiment: Experiment, digest: str = "") -> None:
    """Raise `RecordingError` unless the experiment is complete, sealed, and as it was when it was sealed.

    `digest` is what the SHA-256 of its record should be, if that is known.
    """
    if not is_sealed(experiment.record):
        raise RecordingError(
            f"experiment {experiment.name} is older than seals, so changes made to it do not show; measure again"
        )
    if problems := list(_changes(experiment, digest)):
        raise RecordingError(_listed(f"experiment {experiment.name} is not as it was recorded", problems))
    if not experiment.is_complete():
        resumed = shell_commands.make("report", f"EXPERIMENT={experiment.name}")
        raise RecordingError(f"experiment {experiment.name} is not complete; resume it with: {resumed}")


def _changes(experiment: Experiment, digest: str) -> Iterator[str]:
    """Yield a line for each file that is not as it was sealed."""
    if digest and digest != experiment.digest:
        yield f"the SHA-256 of experiment.json is {experiment.digest}, and {digest} in {findings_file.NAME}"
    yield from experiment.own_problems()
    yield from (f"{run.name}: {defect.problem}" for run in experiment.runs for defect in run.defects if defect.is_total)


def evaluated(experiment: Experiment, stored: Sequence[Finding]) -> list[Finding]:
    """The findings of an experiment, evaluated anew. Raises `RecordingError` where those that are stored differ."""
    findings = findings_file.as_stored(conclusions(experiment))
    if differences := list(_differences(stored, findings)):
        problem = f"{findings_file.NAME} is not what the records of experiment {experiment.name} give"
        raise RecordingError(_listed(f"{problem}; make render writes it anew", differences))
    return findings


def _differences(stored: Sequence[Finding], computed: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding that one side lacks, has twice, or has with another value."""
    stored_keys, computed_keys = ([(each.kind, each.id) for each in side] for side in (stored, computed))
    for key in dict.fromkeys([*stored_keys, *computed_keys]):
        numbers = stored_keys.count(key), computed_keys.count(key)
        if numbers[0] != numbers[1]:
            yield f"{key[0]} {key[1]}: {counted(numbers[0], 'finding')} in the file, {numbers[1]} by the records"
    by_key = dict(zip(computed_keys, computed, strict=True))
    for key, finding in zip(stored_keys, stored, strict=True):
        if key in by_key and (field := _differing_field(finding, by_key[key])):
            values = getattr(finding, field), getattr(by_key[key], field)
            yield f"{finding.id}: {field} is {values[0]!r} in the file, and {values[1]!r} by the records"


def _differing_field(first: Finding, second: Finding) -> str | None:
    """The name of the first field in which two findings differ."""
    names = (field.name for field in fields(Finding))
    return next((name for name in names if not _is_same(getattr(first, name), getattr(second, name))), None)


def _is_same(first: object, second: object) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_is_same, first, second))
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return first == second


def _listed(problem: str, lines: Sequence[str]) -> str:
    """The problem with its lines below it, of which the first ones are shown."""
    more = [f"and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    return "\n".join([problem, *lines[:MAX_LINES], *more])
