"""What was executed for its plan in earlier runs of an experiment: a statement is executed once for a deployment."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import statement_plans
from workbench.errors import RecordingError, UserError
from workbench.recorded_experiment import planned

from . import scenarios


@dataclass(frozen=True)
class EarlierPlans:
    """Statements that were executed before.

    runs: the run in which a statement was executed for this deployment, by its text
    others: the texts that were executed for other deployments, with which these are compared
    """

    runs: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


def of_run(directory: Path, deployment: str, scenario: str) -> EarlierPlans:
    """What the experiment of a run has executed so far; nothing for a run by itself.

    A scenario that changes the data before its load has plans of its own, and leaves none to others.
    """
    record = _read(directory.parent / "experiment.json")
    if record is None or _changes_data(scenario):
        return EarlierPlans()
    executed = [
        (entry.get("arm") or entry.get("deployment"), entry["run"], text)
        for entry in planned(record)
        if entry["run"] != directory.name and not _changes_data(entry.get("scenario", ""))
        for text in _executed(directory.parent / entry["run"])
    ]
    runs = {text: run for name, run, text in reversed(executed) if name == deployment}
    return EarlierPlans(runs, frozenset(text for name, _, text in executed if name != deployment))


def _executed(directory: Path) -> Iterator[str]:
    """Yield the statements that a valid run has executed plans of."""
    try:
        plans = statement_plans.read(directory) or ()
    except (RecordingError, OSError):
        return
    if any(plan.is_executed for plan in plans) and (_read(directory / "run.json") or {}).get("valid"):
        yield from (plan.statement for plan in plans if plan.is_executed)


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
