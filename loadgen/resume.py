"""An experiment that was begun and not completed: what of it is there, and whether it may go on."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workbench.errors import UserError
from workbench.recording import Experiment, open_experiment

from . import progress


@dataclass(frozen=True)
class Begun:
    """What was recorded until the experiment stopped, as it was when it was opened."""

    experiment: Experiment

    @classmethod
    def find(cls, directory: Path) -> "Begun | None":
        """None if nothing is there. Raises `UserError` if it is complete, or no experiment."""
        if not directory.exists():
            return None
        found = open_experiment(directory) if (directory / "experiment.json").exists() else None
        if found is None or found.record["status"] == "complete":
            raise UserError(
                f"experiment {directory.name} exists already; recorded experiments are never changed, choose another "
                "name"
            )
        return cls(found)

    def agreed(self, asked: dict) -> dict:
        """The recorded values of the fields that are asked. Raises `UserError` if one is asked to be another; None asks
        for nothing."""
        recorded = {field: self.experiment.record.get(field) for field in asked}
        others = [
            f"{field} {recorded[field]} and not {value}"
            for field, value in asked.items()
            if value is not None and value != recorded[field]
        ]
        if others:
            raise UserError(
                f"experiment {self.experiment.name} was begun with {', '.join(others)}; leave that out, or choose "
                "another name"
            )
        return recorded

    def require_same(self, record: dict) -> None:
        """Raise `UserError` if machine, versions, code, data or plan are other ones than in `record`, the one of now."""
        then, now = _facts(self.experiment.record), _facts(record)
        others = [
            f"{name} was {then.get(name)} and is {now.get(name)}"
            for name in {**then, **now}
            if then.get(name) != now.get(name)
        ]
        if any(self.experiment.record.get(key) != record.get(key) for key in ("runs", "searches")):
            others.append("its profile has other runs now")
        if others:
            raise UserError(f"experiment {self.experiment.name} cannot go on: {', '.join(others)}; choose another name")

    def has(self, run: str) -> bool:
        """Whether the run was complete."""
        return any(made.name == run and made.status == "complete" for made in self.experiment.runs)

    def resume(self) -> dict:
        """Make room for what was cut off, say what is reused, and return the record with which it goes on."""
        planned = [run["run"] for key in ("runs", "probes") for run in self.experiment.record.get(key, [])]
        there = [run for run in planned if self.has(run)]
        cut_off = [run for run in planned if run not in there and (self.experiment.directory / run).exists()]
        for run in cut_off:
            _set_aside(self.experiment.directory / run)
        reused = f"{len(there)} of {len(planned)} runs are there"
        again = f", {len(cut_off)} that was cut off is run again" if cut_off else ""
        progress.tell(f"experiment {self.experiment.name} goes on: {reused}{again}")
        stops = [*self.experiment.record.get("resumed_after", []), len(there)]
        return self.experiment.record | {"resumed_after": stops}


def _facts(record):
    """What must not change within an experiment, by name."""
    environment = dict(record["environment"])
    packages = environment.pop("packages", {})
    return {**environment, **packages, "dataset": record.get("dataset", {}).get("fingerprint")}


def _set_aside(directory):
    """Keep it under a name that no run has."""
    names = (f"{directory.name}.stopped-{number}" for number in count(1))
    directory.rename(next(path for name in names if not (path := directory.with_name(name)).exists()))
