"""Resuming an experiment that was interrupted: which of its runs are complete, and whether it may be resumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workbench import declared_arms, looks, primary_metrics
from workbench.errors import UserError
from workbench.recorded_experiment import planned
from workbench.recording import SET_ASIDE, Experiment, Run, open_experiment
from workbench.redaction import redacted_values

from . import progress


@dataclass(frozen=True)
class InterruptedExperiment:
    """An experiment that is not complete, as it was when it was opened."""

    experiment: Experiment

    @classmethod
    def open(cls, directory: Path) -> "InterruptedExperiment | None":
        """Open the experiment in `directory`; None if there is no such directory.

        Raises `UserError` if it is complete, or cannot be read.
        """
        if not directory.exists():
            return None
        experiment = open_experiment(directory) if (directory / "experiment.json").exists() else None
        if experiment is None or experiment.record["status"] == "complete":
            raise UserError(
                f"experiment {directory.name} exists already; recorded experiments are never changed, choose another "
                "name"
            )
        if experiment.mismatches:
            raise UserError(
                f"experiment {directory.name} cannot be resumed: {experiment.mismatches[0].problem}; choose another "
                "name"
            )
        return cls(experiment)

    def configuration(self, requested: Mapping[str, object]) -> dict:
        """The recorded values of the fields of `requested`, of which None requests nothing.

        Raises `UserError` if another value is requested than was recorded.
        """
        recorded = {field: self.experiment.record.get(field) for field in requested}
        conflicts = [
            f"{field} {recorded[field]} and not {value}"
            for field, value in requested.items()
            if value is not None and value != recorded[field]
        ]
        if conflicts:
            raise UserError(
                f"experiment {self.experiment.name} was started with {', '.join(conflicts)}; leave that out, or choose "
                "another name"
            )
        return recorded

    def require_same(self, record: dict) -> None:
        """Raise `UserError` if machine, versions, code, data or plan differ from `record`, which describes today's."""
        then, now = _fixed_facts(self.experiment.record), _fixed_facts(record)
        differences = [
            f"{name} was {then.get(name)} and is {now.get(name)}"
            for name in {**then, **now}
            if then.get(name) != now.get(name)
        ]
        stored = redacted_values(record)  # as it would be written and read, with lists in the place of tuples
        if any(
            self.experiment.record.get(key) != stored.get(key)
            for key in ("runs", "searches", "sentinel", primary_metrics.KEY, looks.KEY)
        ):
            differences.append("its profile has other runs now")
        if self.experiment.record.get(declared_arms.KEY) != stored.get(declared_arms.KEY):
            differences.append("its arms are not what they were")
        if differences:
            raise UserError(
                f"experiment {self.experiment.name} cannot be resumed: {', '.join(differences)}; choose another name"
            )

    def keeps(self, run: str) -> bool:
        """Return whether a run is not repeated: complete and readable, stopped by hand, or ended by its fault."""
        return any(recorded.name == run and _is_kept(recorded) for recorded in self.experiment.runs)

    def resume(self) -> dict:
        """Set aside the runs that were cut off, report which are reused, and return the record to continue."""
        record = self.experiment.record
        runs = [run["run"] for run in planned(record)]
        kept = [run for run in runs if self.keeps(run)]
        cut_off = [run for run in runs if run not in kept and (self.experiment.directory / run).exists()]
        for run in cut_off:
            _set_aside(self.experiment.directory / run)
        repeated = f", {len(cut_off)} cut off and run again" if cut_off else ""
        stopped = sum(run.was_stopped_by_hand for run in self.experiment.runs)
        reused = f"{len(kept) - stopped} of {len(runs)} runs are complete" + (
            f", {stopped} stopped by hand" if stopped else ""
        )
        progress.report(f"experiment {self.experiment.name} is resumed: {reused}{repeated}")
        resumed = record | {"resumed_after": [*record.get("resumed_after", []), len(kept)]}
        if "files" not in record:
            return resumed
        incomplete = set(runs) - set(kept)
        files = {name: entry for name, entry in record["files"].items() if name.split("/")[0] not in incomplete}
        return resumed | {"files": files}


def _is_kept(run: Run) -> bool:
    return run.was_stopped_by_hand or run.was_ended_by_fault or (run.status == "complete" and run.is_readable())


def _fixed_facts(record: dict) -> dict:
    """The facts that must not change within an experiment, by name."""
    environment = dict(record["environment"])
    packages = environment.pop("packages", {})
    return {**environment, **packages, "dataset": record.get("dataset", {}).get("fingerprint")}


def _set_aside(directory: Path) -> None:
    """Keep a run's directory under a name that no run has."""
    names = (f"{directory.name}{SET_ASIDE}{number}" for number in count(1))
    directory.rename(next(path for name in names if not (path := directory.with_name(name)).exists()))
