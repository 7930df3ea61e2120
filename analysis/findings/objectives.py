"""The objectives of `objectives.toml`, evaluated on the runs of an experiment."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.declared_arms import KEY
from workbench.errors import UserError
from workbench.objective_entry import COMPARISONS, ObjectiveEntry
from workbench.paths import REPOSITORY
from workbench.recording import Experiment, arm

from ..unmatched_endpoints import measured_endpoints
from .finding import Claim, Finding
from .objective_metrics import METRICS, Metric, Subject

KIND = "objective"
FILE = REPOSITORY / "objectives.toml"


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

    @classmethod
    def from_entry(cls, entry: ObjectiveEntry) -> "Objective":
        """The objective that a file declares."""
        subject = Subject(entry.deployment, entry.scenario, entry.endpoint, entry.against)
        return cls(entry.id, METRICS[entry.metric], subject, entry.comparison, entry.bound, entry.aim)

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
            missing = [each for each in self._arms() if not experiment.find(*each)]
            if missing:
                return claim.not_run(*missing[0])
            return claim.not_measured(self._absence(experiment), self.subject.runs(experiment))
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

    def _absence(self, experiment: Experiment) -> str:
        """Why valid runs give no value: most often none of their requests had the endpoint."""
        subject = self.subject
        measured = arm(experiment.by_arm, subject.deployment, subject.scenario)
        if subject.endpoint and not subject.endpoints(experiment):
            return f"no request had the endpoint {subject.endpoint}; {measured_endpoints(measured)}"
        return "the valid runs have no value of it"

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


def declared(experiment: Experiment) -> tuple[Objective, ...]:
    """The objectives that the experiment itself declares, by its `workbench.toml`; empty without one."""
    entries = (experiment.record.get(KEY) or {}).get("objectives") or ()
    return tuple(
        Objective.from_entry(ObjectiveEntry.parse(entry, f"{experiment.name}: an objective")) for entry in entries
    )


def load(path: Path = FILE) -> tuple[Objective, ...]:
    """The objectives of a file, in its order. Raises `UserError` that names the first entry that cannot be used."""
    content = _content(path)
    entries = content.get("objective", [])
    if set(content) - {"objective"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UserError(f"{path} has an entry that is not an objective; each objective begins with [[objective]]")
    objectives = tuple(
        Objective.from_entry(ObjectiveEntry.parse(entry, f"{path}: objective {number}"))
        for number, entry in enumerate(entries, start=1)
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
