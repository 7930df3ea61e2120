"""A recorded experiment: its record, its runs, and their tables together. Nothing here changes a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from . import aggregates, comparability, declared_arms, display, imported, looks
from .arms import START
from .defects import Defect
from .record_format import format_note, seal_note
from .recorded_run import Run
from .request_rows import RequestRows
from .seal import file_digest

REPEATS = "repeats"  # in the record: the runs that were made again


@dataclass(frozen=True, eq=False)
class Experiment:
    """The runs of one experiment, in the order in which they were made.

    `mismatches` are the defects of its record against its seal, `lost` the sealed files that are missing or changed,
    each with what is wrong with it. `checks_digests` says that contents were compared with their seals too.
    """

    directory: Path
    record: dict
    runs: tuple[Run, ...]
    mismatches: tuple[Defect, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    checks_digests: bool = False

    @property
    def name(self) -> str:
        return self.directory.name

    def is_complete(self) -> bool:
        """Whether every planned run is complete, stopped by hand, or ended by its fault."""
        final = [run for run in self.runs if run.is_final]
        return self.record["status"] == "complete" and 0 < len(final) == len(planned(self.record))

    @cached_property
    def usable(self) -> list[Run]:
        """The complete and valid runs whose rows can be read; none where the experiment's own record was changed."""
        return [run for run in self.runs if self.is_usable(run)]

    def is_usable(self, run: Run) -> bool:
        """Whether a run of it is complete, valid and can be read; none is where the experiment's record was changed."""
        is_valid = run.status == "complete" and bool(run.record["valid"])
        return not self.mismatches and is_valid and run.is_readable()

    @property
    def ended_by_fault(self) -> list[Run]:
        """The runs that their fault ended, as planned: they enter no value of valid runs, and are not invalid."""
        return [run for run in self.runs if run.was_ended_by_fault]

    @property
    def invalid(self) -> list[Run]:
        """The invalid runs; a run that its fault ended is not one of them."""
        return [run for run in self.runs if not self.is_usable(run) and not run.was_ended_by_fault]

    @property
    def digest(self) -> str | None:
        """The SHA-256 of its record, which stands for all of its files; None for one that was never sealed."""
        return file_digest(self.directory / "experiment.json") if "files" in self.record else None

    def own_problems(self) -> list[str]:
        """A line for each file outside of its runs, and each run, that is changed or missing."""
        return [
            *(defect.problem for defect in self.mismatches),
            *(f"{name} {problem} after it was sealed" for name, problem in self.lost),
        ]

    def problems(self) -> list[str]:
        """A line for each of its files, and those of its runs, that cannot be used or is not as it was sealed."""
        return [
            *self.own_problems(),
            *(f"{run.name}: {defect}" for run in self.runs for defect in run.defects),
        ]

    def is_readable(self) -> bool:
        """Whether any of its runs is usable."""
        return bool(self.usable)

    def runs_of(self, deployment: str) -> list[Run]:
        """The usable runs of a deployment under any scenario."""
        return [run for run in self.usable if run.deployment == deployment]

    def find(self, deployment: str, scenario: str) -> list[Run]:
        """The usable runs of an arm by block; an arm with an A/A replicate has two in each."""
        return [run for run in self.runs_of(deployment) if run.scenario == scenario]

    def blocks(self, deployment: str, scenario: str) -> int:
        """The number of blocks in which the arm has a usable run."""
        return len({run.block for run in self.find(deployment, scenario)})

    @cached_property
    def rows(self) -> RequestRows:
        """The request rows of the usable runs, for SQL."""
        return RequestRows([run.source for run in self.usable if run.record["scenario"]["kind"] != START])

    @cached_property
    def by_run(self) -> pd.DataFrame:
        """`aggregates.by_run` of the usable runs; it fills `totals` of each of them."""
        table = aggregates.by_run(self.rows)
        totals = {row["run"]: row for _, row in table.iterrows()}
        for run in self.usable:
            vars(run).setdefault("totals", totals.get(run.name))
        return table

    @cached_property
    def by_endpoint(self) -> pd.DataFrame:
        """`aggregates.by_endpoint` of the usable runs."""
        return aggregates.by_endpoint(self.rows)

    @cached_property
    def by_arm(self) -> pd.DataFrame:
        """`aggregates.by_arm` of the usable runs."""
        return aggregates.by_arm(self.rows)

    @cached_property
    def tail(self) -> pd.DataFrame:
        """`aggregates.tail_by_endpoint` of the usable runs."""
        return aggregates.tail_by_endpoint(self.rows)

    @property
    def differences(self) -> list[str]:
        """Facts in which its runs differ and that may matter: commit, versions of Python and packages, kernel."""
        planned = {"environment": self.record["environment"]}
        return comparability.differences([planned, *(run.record for run in self.runs)], comparability.REPORTED)

    def overview(self) -> pd.DataFrame:
        """A row for each run: its arm, its status, and a few metrics where it is usable."""
        rows = [
            {
                "run": run.name,
                "deployment": run.deployment,
                "scenario": run.scenario,
                "block": run.block + 1,
                "status": run.status,
                "valid": run.is_valid(),
            }
            for run in self.runs
        ]
        if not rows:
            return pd.DataFrame()
        shown = display.with_failures(self.by_run, ("run", "requests", "failures", "makespan_s"), ("mean_ms", "p95_ms"))
        overview = pd.DataFrame(rows).join(shown.set_index("run"), on="run")
        # A run without values would make floats of the counts of all others.
        return overview.astype(dict.fromkeys(("requests", "failures"), "Int64"))

    def summary(self) -> Sequence[str]:
        """Lines that say what it is, how much of it is usable, and what is wrong with its files."""
        environment = self.record["environment"]
        usable = f"{len(self.usable)} of {len(planned(self.record))} planned runs are complete, valid and readable"
        commit = (environment.get("commit") or "unknown")[:12]
        cores = environment["cpu_count"]
        machine = f"{cores} core{'s' if cores != 1 else ''} ({environment['cpu_model']}), commit {commit}"
        scale = declared_arms.scale_of(self.record)
        how = f"profile {self.record['profile']}{f', scale {scale}' if scale else ''}"
        if imported.is_imported(self.record):
            machine, how = imported.MACHINE, f"imported from {imported.tool(self.record)}"
        dropped = {run.name: sum(run.dropped.values()) for run in self.runs if run.dropped}
        omitted = f"; {sum(dropped.values())} dropped arrivals in {', '.join(dropped)}" if dropped else ""
        return [
            f"experiment {self.name}: {how}, {'complete' if self.is_complete() else 'not complete'}{omitted}",
            f"{usable}; {machine}",
            *looks.note(self.record),
            *format_note(self.record),
            *seal_note(self.record),
            *([f"without requests of type {', '.join(types)}"] if (types := self._without_types()) else []),
            *([f"its runs differ in {', '.join(self.differences)}"] if self.differences else []),
            *self.problems(),
        ]

    def _without_types(self) -> list[str]:
        """The request types whose rows are left out."""
        return sorted({name for run in self.runs for name in run.without_types})

    def __repr__(self) -> str:
        return display.text(self.summary(), self.overview())

    def _repr_html_(self) -> str:
        return display.html(self.summary(), self.overview())


def planned(record: dict) -> list[dict]:
    """The planned runs of an experiment's record: those of its plan, their repeats, and the probes of a search."""
    return [*record["runs"], *(record.get(REPEATS) or []), *(record.get("probes") or [])]
