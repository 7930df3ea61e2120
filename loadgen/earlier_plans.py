"""What was executed for its plan in earlier runs of an experiment: a statement is executed once for a deployment."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import statement_plans
from workbench.errors import RecordingError, UserError
from workbench.recorded_experiment import planned
from workbench.statement_plans import StatementPlan

from . import scenarios


@dataclass(frozen=True)
class EarlierPlans:
    """Statements that were executed before.

    runs: the run in which a statement was executed for this deployment, by its text
    values: of statements that were executed for other deployments the values that are shown, by text: two plans can be
        compared if they were made with the same values
    """

    runs: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def of_run(directory: Path, deployment: str, scenario: str) -> EarlierPlans:
    """What the experiment of a run has executed so far; nothing for a run by itself.

    Only runs with the same kind of search terms count. A scenario that changes the data before its load has plans of
    its own, and leaves none to others.
    """
    record = _read(directory.parent / "experiment.json")
    if record is None or _changes_data(scenario):
        return EarlierPlans()
    executed = [
        (entry.get("arm") or entry.get("deployment"), entry["run"], plan)
        for entry in planned(record)
        if entry["run"] != directory.name and _is_alike(entry.get("scenario", ""), scenario)
        for plan in _executed(directory.parent / entry["run"])
    ]
    runs = {plan.statement: run for name, run, plan in reversed(executed) if name == deployment}
    return EarlierPlans(
        runs, {plan.statement: plan.values for name, _, plan in reversed(executed) if name != deployment}
    )


def _executed(directory: Path) -> Iterator[StatementPlan]:
    """Yield the executed plans of a valid run."""
    try:
        plans = statement_plans.read(directory) or ()
    except (RecordingError, OSError):
        return
    if any(plan.is_executed for plan in plans) and (_read(directory / "run.json") or {}).get("valid"):
        yield from (plan for plan in plans if plan.is_executed)


def _is_alike(name: str, other: str) -> bool:
    """True for scenarios that leave the data as they are, and search for the same kind of terms."""
    try:
        scenario, compared = scenarios.find(name), scenarios.find(other)
    except UserError:
        return name == other
    return not scenario.sql_before and scenario.terms == compared.terms


def _changes_data(scenario: str) -> bool:
    try:
        return bool(scenarios.find(scenario).sql_before)
    except UserError:
        return False


def _read(path: Path) -> dict[str, Any] | None:
    """The object of a JSON file; None where there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
