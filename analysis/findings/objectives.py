"""The objectives of `objectives.toml`, evaluated on the runs of an experiment."""

import operator
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.recording import Experiment

from .finding import Claim, Finding
from .objective_metrics import METRICS, Metric, Subject

KIND = "objective"
FILE = REPOSITORY / "objectives.toml"
MAX_BOUND = 1e12


class Comparison(NamedTuple):
    """How a value is compared with the bound: the words of the claim, and the test that has to be true."""

    words: str
    is_met: Callable[[float, float], bool]


COMPARISONS = {
    "at_least": Comparison("at least", operator.ge),
    "at_most": Comparison("at most", operator.le),
    "below": Comparison("below", operator.lt),
}
AIM = "aim"
FIELDS = {"id", "metric", "deployment", "scenario", "endpoint", "against", AIM, *COMPARISONS}


@dataclass(frozen=True)
class Objective:
    """A metric of a subject, and the bound that it has to meet; `comparison` is a key of `COMPARISONS`.

    `aim` is a value beyond the bound that it should come to; it decides nothing.
    """

    id: str
    metric: Metric
    subject: Subject
    comparison: str
    bound: float
    aim: float | None = None

    @property
    def claim(self) -> str:
        """The objective as a phrase: `p95 of all reads below 300 ms, burst-50 on tuned`."""
        return self._claim(is_open=False)

    def _claim(self, *, is_open: bool) -> str:
        words = COMPARISONS[self.comparison].words
        return self.metric.claim(self.subject, f"{words} {self.metric.form.format(self.bound)}", is_open=is_open)

    def evaluate(self, experiment: Experiment) -> Finding:
        """Compare the measured value with the bound; its interval is shown, and does not count."""
        claim = Claim(experiment, KIND, self.id, self._claim(is_open=self.subject.is_open(experiment)))
        measurement = self.metric.measure(experiment, self.subject)
        if measurement is None:
            return claim.not_run(*next((arm for arm in self._arms() if not experiment.find(*arm)), self._arms()[0]))
        estimate, text = measurement
        if self.misses_aim(estimate.value):
            text += f"; short of the aim, {self.metric.form.format(self.aim)}"
        objection = self.metric.objection(experiment, self.subject)
        against = [Subject(self.subject.against, self.subject.scenario)] if self.subject.against else []
        return claim.pass_if(
            COMPARISONS[self.comparison].is_met(estimate.value, self.bound) and not objection,
            f"{text}; no improvement, as {objection}" if objection else text,
            [run for subject in (*against, self.subject) for run in subject.runs(experiment)],
            columns=self.metric.columns,
            effect=estimate.value,
            interval=estimate.interval,
            level=estimate.level,
            bound=self.bound,
        )

    def _arms(self) -> list[tuple[str, str]]:
        """The deployments and scenarios that it takes runs of, its own first."""
        subject = self.subject
        others = [(subject.against, subject.scenario)] if subject.against else []
        return [
            (subject.deployment, subject.scenario),
            *others,
            *((subject.deployment, scenario) for scenario in self.metric.scenarios),
        ]

    def misses_aim(self, value: float) -> bool:
        """Whether there is an aim, and the value does not come to it."""
        return self.aim is not None and not COMPARISONS[self.comparison].is_met(value, self.aim)


def missed_aim(finding: Finding) -> float | None:
    """The aim that the value of a finding does not come to, by `objectives.toml`; None if there is no such aim."""
    objective = next((each for each in load() if each.id == finding.id), None) if finding.kind == KIND else None
    is_missed = objective and finding.effect is not None and objective.misses_aim(finding.effect)
    return objective.aim if objective and is_missed else None


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each objective of `objectives.toml`, in its order."""
    for objective in load():
        yield objective.evaluate(experiment)


def load(path: Path = FILE) -> tuple[Objective, ...]:
    """The objectives of a file, in its order. Raises `UserError` that names the first entry that cannot be used."""
    content = _content(path)
    entries = content.get("objective", [])
    if set(content) - {"objective"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UserError(f"{path} has an entry that is not an objective; each objective begins with [[objective]]")
    objectives = tuple(
        _objective(entry, f"{path}: objective {number}") for number, entry in enumerate(entries, start=1)
    )
    names = [objective.id for objective in objectives]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path} has two objectives with the id {repeated[0]}")
    return objectives


def _content(path: Path) -> dict[str, Any]:
    """The parsed file."""
    try:
        return tomllib.loads(path.read_text())
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"there is no file {path}; it lists the objectives that an experiment has to meet") from None
    except RecursionError:
        raise UserError(f"{path} is not valid TOML: it nests too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {str(error).splitlines()[0]}") from None


def _objective(entry: Mapping[str, Any], place: str) -> Objective:
    """The objective of one entry; `place` is the file and the number of the entry, for messages."""
    name = entry.get("id")
    if not isinstance(name, str) or not name.strip() or "\n" in name:
        raise UserError(f"{place} has no id")
    place = f"{place} ({name})"
    if unknown := sorted(set(entry) - FIELDS):
        raise UserError(f"{place} has the unknown field {unknown[0]}; known fields: {', '.join(sorted(FIELDS))}")
    metric = _metric(entry, place)
    comparison, bound = _bound(entry, place)
    subject = Subject(entry["deployment"], entry["scenario"], entry.get("endpoint", ""), entry.get("against", ""))
    return Objective(name, metric, subject, comparison, bound, _aim(entry, comparison, bound, place))


def _metric(entry: Mapping[str, Any], place: str) -> Metric:
    """The metric of an entry, which has exactly the fields that this metric needs."""
    name = entry.get("metric")
    metric = METRICS.get(name) if isinstance(name, str) else None
    if metric is None:
        raise UserError(f"{place} has the unknown metric {name!r}; known metrics: {', '.join(METRICS)}")
    for field in ("deployment", "scenario", *metric.needs):
        if not isinstance(entry.get(field), str) or not entry[field]:
            raise UserError(f"{place} has no {field}, which the metric {name} needs")
    if surplus := [field for field in ("endpoint", "against") if field in entry and field not in metric.needs]:
        raise UserError(f"{place} has the field {surplus[0]}, which the metric {name} does not use")
    return metric


def _bound(entry: Mapping[str, Any], place: str) -> tuple[str, float]:
    """The comparison and the bound of an entry."""
    comparisons = [name for name in COMPARISONS if name in entry]
    if len(comparisons) != 1:
        raise UserError(f"{place} needs one bound of {', '.join(COMPARISONS)}; it has {len(comparisons)}")
    return comparisons[0], _number(entry, comparisons[0], place)


def _aim(entry: Mapping[str, Any], comparison: str, bound: float, place: str) -> float | None:
    """The aim of an entry, which meets its bound; None without one."""
    if AIM not in entry:
        return None
    aim = _number(entry, AIM, place)
    if not COMPARISONS[comparison].is_met(aim, bound):
        raise UserError(f"{place}: the aim {aim:g} does not meet the bound, {COMPARISONS[comparison].words} {bound:g}")
    return aim


def _number(entry: Mapping[str, Any], field: str, place: str) -> float:
    value = entry[field]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_BOUND:
        raise UserError(f"{place}: {field} is not a number between -{MAX_BOUND:g} and {MAX_BOUND:g}")
    return float(value)
