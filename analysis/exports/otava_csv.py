"""CSV for Apache Otava: the history of an experiment, one row for each experiment, and Otava's configuration for it.

Otava wants a number in each cell of a metric, and knows nothing of machines. So the columns are the metrics of one
experiment, and the rows are the experiments beside it that have all of them and differ from it in nothing decisive.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.errors import RecordingError, UserError
from workbench.recording import Experiment, open_experiment
from workbench.text_cleaning import Target, cleaned

from .. import environment_facts
from ..environment_facts import COMMIT
from ..metrics import effect_metrics
from ..metrics.effect_metrics import EFFECT_METRICS
from .recorded_instants import unix_s

TEST = "tracetrack"  # the name of the test in Otava's configuration
TIME = "time"
ATTRIBUTES = ("commit", "experiment", "fence")
FORMULA_SIGNS = ("=", "+", "-", "@")  # what begins a formula where a spreadsheet opens the file

Warn = Callable[[str], object]


class _Row(NamedTuple):
    """An experiment with the instant of its first run and the values of its metrics."""

    experiment: Experiment
    started: datetime
    values: Sequence[float]


def otava_csv(experiment: Experiment, warn: Warn) -> str:
    """Return the CSV text: `time`, `commit`, `experiment`, `fence`, and a column for each metric of each arm.

    A metric is `<deployment>.<scenario>.<metric>`, its value the geometric mean over the blocks. `fence` names what
    changed of machine, versions, data and method since the row above. Experiments that are left out go to `warn`.
    Raises `UserError` for an experiment without a value.
    """
    metrics = list(_values(experiment))
    if not metrics:
        raise UserError(f"{experiment.name} has no valid run with a metric; see python -m analysis show")
    rows = sorted(_rows(experiment, metrics, warn), key=lambda row: row.started)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([TIME, *ATTRIBUTES, *metrics])
    for row, fence in zip(rows, _fences(rows), strict=True):
        attributes = map(_cell, (_commit(row.experiment), row.experiment.name, fence))
        table.writerow([row.started.isoformat(), *attributes, *map(repr, row.values)])
    return text.getvalue()


def otava_configuration(experiment: Experiment, file: Path) -> str:
    """Return Otava's configuration for the CSV file: JSON, which is YAML. Less is better where `direction` is −1."""
    lower_is_better = {metric.column: metric.lower_is_better for metric in EFFECT_METRICS}
    metrics = {
        column: {"direction": -1 if lower_is_better[column.rpartition(".")[2]] else 1} for column in _values(experiment)
    }
    of_file = {"type": "csv", "file": str(file.absolute()), "time_column": TIME, "attributes": [*ATTRIBUTES]}
    return json.dumps({"tests": {TEST: {**of_file, "metrics": metrics}}}, indent=2) + "\n"


def _rows(experiment: Experiment, metrics: Sequence[str], warn: Warn) -> Iterator[_Row]:
    """The experiments of the folder that can stand in one history with this one."""
    for path in sorted(experiment.directory.parent.glob("*/experiment.json")):
        try:
            member = open_experiment(path.parent)
            yield _row(member, experiment, metrics)
        except RecordingError as error:
            warn(f"left out: {error}")


def _row(member: Experiment, experiment: Experiment, metrics: Sequence[str]) -> _Row:
    """The row of one experiment. Raises `RecordingError` where it cannot stand in the history."""
    facts = (environment_facts.facts_of(each) for each in (experiment, member))
    decisive = [change for change in environment_facts.changes(*facts) if change.is_decisive]
    values = _values(member)
    missing = [name for name in metrics if name not in values]
    if problems := [*member.own_problems(), *map(str, decisive), *(f"it has no {name}" for name in missing)]:
        raise RecordingError(f"{member.name}: {problems[0]}")
    return _Row(member, _started(member), [values[name] for name in metrics])


def _started(experiment: Experiment) -> datetime:
    """When its first run started. Raises `RecordingError` where no run says so."""
    instants_s = [instant for run in experiment.runs if (instant := unix_s(run, "started")) is not None]
    if not instants_s:
        raise RecordingError(f"{experiment.name}: no run has the time of its start")
    return datetime.fromtimestamp(min(instants_s), UTC)


def _values(experiment: Experiment) -> dict[str, float]:
    """The values of all arms by column; one that was not measured, or is infinite, is not among them."""
    if not experiment.is_readable():
        return {}
    by_run = effect_metrics.metrics_by_run(experiment)
    values = {}
    for deployment, scenario in dict.fromkeys(zip(by_run["deployment"], by_run["scenario"], strict=True)):
        runs = by_run[by_run["scenario"] == scenario]
        for metric in EFFECT_METRICS:
            by_block = effect_metrics.by_block(runs, deployment, metric.column).to_numpy()
            if len(by_block) and np.isfinite(by_block).all() and (by_block > 0).all():
                values[f"{deployment}.{scenario}.{metric.column}"] = float(np.exp(np.log(by_block).mean()))
    return values


def _fences(rows: Sequence[_Row]) -> list[str]:
    """What changed since the row above, for each row; empty where nothing did."""
    facts = [environment_facts.facts_of(row.experiment) for row in rows]
    between = [", ".join(map(str, environment_facts.fences(*pair))) for pair in pairwise(facts)]
    return ["", *between][: len(rows)]


def _commit(experiment: Experiment) -> str:
    commit = environment_facts.facts_of(experiment).get(COMMIT, "unknown")
    return commit + ("+" if experiment.record["environment"].get("dirty") else "")


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    shown = cleaned(text, Target.LINE).strip()
    return f"'{shown}" if shown.startswith(FORMULA_SIGNS) else shown
