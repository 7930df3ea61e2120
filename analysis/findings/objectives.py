"""Our own objectives: read from `objectives.toml`, judged from an experiment's runs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.recording import Experiment

from .evidence import Judgement, not_run, told_by
from .objective_metrics import METRICS, Arm, Metric

FILE = REPOSITORY / "objectives.toml"
BOUNDS = {
    "at_least": ("at least", lambda value, bound: value >= bound),
    "at_most": ("at most", lambda value, bound: value <= bound),
    "below": ("below", lambda value, bound: value < bound),
}
MOST = 1e12  # no figure here is as large
FIELDS = {"id", "metric", "deployment", "scenario", "endpoint", "against", *BOUNDS}


@dataclass(frozen=True)
class Objective:
    """One figure of one arm, and what it is held against."""

    id: str
    metric: Metric
    arm: Arm
    kind: str  # of BOUNDS
    bound: float

    @property
    def claim(self) -> str:
        word, _ = BOUNDS[self.kind]
        return self.metric.says(self.arm, f"{word} {self.metric.form.format(self.bound)}")

    def judge(self, experiment: Experiment) -> Judgement:
        """Whether the measured figure keeps the bound; the interval is shown, and decides nothing."""
        measured = self.metric.measure(experiment, self.arm)
        if measured is None:
            return not_run(self.arm.deployment, self.arm.scenario)
        _, holds = BOUNDS[self.kind]
        arms = [*([Arm(self.arm.against, self.arm.scenario)] if self.arm.against else []), self.arm]
        runs = tuple(run for arm in arms for run in arm.runs(experiment))
        passed = bool(holds(measured.value, self.bound))
        judged = Judgement(passed, measured.text, measured.value, runs, self.bound, measured.interval)
        return told_by(judged, *self.metric.columns)


def load(path: Path = FILE) -> tuple[Objective, ...]:
    """The objectives of a file, in its order. Raises `UserError` that says which one cannot be used, and why."""
    try:
        content = tomllib.loads(path.read_text())
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"there is no file {path}; an experiment is judged by the objectives in it") from None
    except RecursionError:
        raise UserError(f"{path} is no TOML that anybody could mean: it nests too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML: {str(error).splitlines()[0]}") from None
    entries = content.get("objective", [])
    if set(content) - {"objective"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UserError(f"{path} holds something else than objectives; each begins with [[objective]]")
    found = tuple(_objective(entry, f"{path}: objective {number}") for number, entry in enumerate(entries, start=1))
    names = [objective.id for objective in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path} has two objectives with the id {repeated[0]}")
    return found


def _objective(entry: Mapping[str, Any], place: str) -> Objective:
    """`place` says where the entry stands."""
    name = entry.get("id")
    if not isinstance(name, str) or not name.strip() or "\n" in name:
        raise UserError(f"{place} has no id")
    place = f"{place} ({name})"
    if unknown := sorted(set(entry) - FIELDS):
        raise UserError(
            f"{place} has a field {unknown[0]}, which no objective has; there are {', '.join(sorted(FIELDS))}"
        )
    name_of_metric = entry.get("metric")
    metric = METRICS.get(name_of_metric) if isinstance(name_of_metric, str) else None
    if metric is None:
        raise UserError(f"{place} has the metric {name_of_metric!r}, and there are {', '.join(METRICS)}")
    for field in ("deployment", "scenario", *metric.needs):
        if not isinstance(entry.get(field), str) or not entry[field]:
            raise UserError(f"{place} has no {field}, which {entry['metric']} needs")
    if surplus := [field for field in ("endpoint", "against") if field in entry and field not in metric.needs]:
        raise UserError(f"{place} has the field {surplus[0]}, of which {entry['metric']} knows nothing")
    kinds = [kind for kind in BOUNDS if kind in entry]
    if len(kinds) != 1:
        raise UserError(f"{place} needs one bound, and has {len(kinds)}: {', '.join(BOUNDS)}")
    bound = entry[kinds[0]]
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not abs(bound) <= MOST:
        raise UserError(f"{place}: {kinds[0]} is not a number that a figure could be held against")
    arm = Arm(entry["deployment"], entry["scenario"], entry.get("endpoint", ""), entry.get("against", ""))
    return Objective(name, metric, arm, kinds[0], float(bound))
