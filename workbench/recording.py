"""Recorded runs and experiments, opened for reading; nothing here changes a file.

Durations are int32 microseconds on disk and float milliseconds once read. A run that was cut off is readable and
says so in `status`.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from . import aggregates, comparability, defects, display
from .defects import Defect
from .errors import RecordingError
from .request_rows import MARKS, WHOLE, Rows, Source
from .request_schema import SCHEMA
from .run_record import read as read_record

OVERVIEW = ("endpoint", "requests", "successful", "mean_ms", "median_ms", "p95_ms", "p99_ms", "max_ms")


@dataclass(frozen=True, eq=False)
class Run:
    """One run: its record (`run.json`) and its frames."""

    directory: Path
    record: dict

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def deployment(self) -> str:
        return self.record["deployment"]["name"]

    @property
    def scenario(self) -> str:
        return self.record["scenario"]["name"]

    @property
    def block(self) -> int:
        return self.record["block"]

    @property
    def replicate(self) -> bool:
        """Which of the two runs that a baseline has in each block it is; either may come first."""
        return self.record.get("replicate", False)

    @property
    def status(self) -> str:
        """complete, aborted, or `cut off` where the run never came to its end."""
        return "cut off" if self.record["status"] == "running" else self.record["status"]

    @cached_property
    def defects(self) -> tuple[Defect, ...]:
        """What is wrong with the files, and which questions have no answer therefore."""
        sent_something = self.record["scenario"]["kind"] != "start"
        of_rows = defects.of_rows(self.directory) if sent_something else ()
        return (*of_rows, *defects.of_readings(self.directory))

    def is_readable(self) -> bool:
        """Whether questions about its requests have answers."""
        return not any(defect.whole for defect in self.defects)

    def lacks(self, *columns: str) -> Defect | None:
        """What is wrong with the first of these columns of its rows that cannot be read."""
        return next((defect for defect in self.defects if defect.column in columns), None)

    @cached_property
    def rows(self) -> Rows:
        """Its request rows, for SQL."""
        return Rows([self.source])

    @property
    def source(self) -> Source:
        """Where its rows are, and what marks them among those of others."""
        without = {defect.column for defect in self.defects}
        columns = tuple(name for name in SCHEMA.names if name not in without)
        return Source(self.directory, columns, self.name, self.deployment, self.scenario, self.block, self.replicate)

    @cached_property
    def totals(self) -> pd.Series | None:
        """The row that `aggregates.by_run` has for it; None if it measured nothing."""
        found = aggregates.by_run(self.rows) if self.is_readable() else pd.DataFrame()
        return None if found.empty else found.iloc[0]

    @cached_property
    def by_endpoint(self) -> pd.DataFrame:
        """`aggregates.by_endpoint` of this run."""
        return aggregates.by_endpoint(self.rows)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row a request, by its send, times in ms, with `rest_ms` (app less its parts) and `residual_ms`.

        All of it is in memory then: for a look at a run. Raises `RecordingError` where nothing can be read.
        """
        if whole := next((defect for defect in self.defects if defect.whole), None):
            raise RecordingError(f"{self.directory} cannot be read: {whole.what}")
        frame = self.rows.query(
            f"SELECT * EXCLUDE ({', '.join((*MARKS, *WHOLE))}) FROM requests ORDER BY start_ms, user, sequence"
        )
        if frame.empty:
            raise RecordingError(f"{self.directory} holds no request rows; the run ended before its first one")
        return frame

    @property
    def measured(self) -> pd.DataFrame:
        """The rows of the measured phase."""
        return self.requests[self.requests["phase"] == "measure"]

    @cached_property
    def process(self) -> pd.DataFrame:
        """Readings of the processes, as on disk; empty where there are none."""
        return self._readings("process", ["at_us", "role", "processes", "cpu_us", "pss_bytes", "threads"])

    @cached_property
    def pool(self) -> pd.DataFrame:
        """Readings of the workers' pools, as on disk; empty where there are none."""
        return self._readings("pool", ["at_us", "worker"])

    @cached_property
    def log(self) -> list[dict]:
        """The application's own log lines, those that are JSON."""
        path = self.directory / "gunicorn.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return [entry for line in lines if (entry := _entry(line)) is not None]

    @cached_property
    def database(self) -> pd.DataFrame:
        """Readings and deltas of the database, as on disk; empty where there are none."""
        return self._readings("database", ["at_us", "source", "name", "metric", "value"])

    def _summary(self):
        record = self.record
        reasons = "; ".join(record["reasons"]) or "it never came to its end"
        validity = "valid" if record["valid"] else f"not valid: {reasons}"
        return [f"{self.deployment} under {self.scenario}, {self.status}, {validity}", *map(str, self.defects)]

    def overview(self) -> pd.DataFrame:
        """A row for each endpoint: requests, those that were right, and latency."""
        if not self.is_readable():
            return pd.DataFrame()
        return self.by_endpoint[[*OVERVIEW]].round(2)

    def __repr__(self) -> str:
        return display.text(self._summary(), self.overview())

    def _repr_html_(self) -> str:
        return display.html(self._summary(), self.overview())

    def _readings(self, name, columns):
        """Empty where there are none, and where `defects` says that they cannot be read."""
        path = self.directory / f"{name}.parquet"
        return pd.read_parquet(path) if path.exists() and not self._is_broken(path) else pd.DataFrame(columns=columns)

    def _is_broken(self, path):
        return any(path.name in defect.what for defect in self.defects)


@dataclass(frozen=True, eq=False)
class Experiment:
    """The runs of one experiment, in the order in which they were made."""

    directory: Path
    record: dict
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        return self.directory.name

    def is_complete(self) -> bool:
        """Whether every planned run was made and ended by itself."""
        ended = [run for run in self.runs if run.status == "complete"]
        return self.record["status"] == "complete" and 0 < len(ended) == len(_planned(self.record))

    @cached_property
    def usable(self) -> list[Run]:
        """The complete and valid runs whose rows can be read."""
        return [run for run in self.runs if run.status == "complete" and run.record["valid"] and run.is_readable()]

    def of(self, deployment: str) -> list[Run]:
        """Those of a deployment under any scenario."""
        return [run for run in self.usable if run.deployment == deployment]

    def find(self, deployment: str, scenario: str) -> list[Run]:
        """The usable runs of an arm, by block; a baseline has two in each."""
        return [run for run in self.of(deployment) if run.scenario == scenario]

    def blocks(self, deployment: str, scenario: str) -> int:
        """In how many blocks the arm has a usable run."""
        return len({run.block for run in self.find(deployment, scenario)})

    @cached_property
    def rows(self) -> Rows:
        """The request rows of the usable runs, for SQL."""
        return Rows([run.source for run in self.usable if run.record["scenario"]["kind"] != "start"])

    @cached_property
    def by_run(self) -> pd.DataFrame:
        """`aggregates.by_run` of the usable runs, which then know their own rows of it."""
        found = aggregates.by_run(self.rows)
        own = {row["run"]: row for _, row in found.iterrows()}
        for run in self.usable:
            vars(run).setdefault("totals", own.get(run.name))
        return found

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
    def differing(self) -> list[str]:
        """In what its runs differ that may matter: commit, versions of Python and packages, kernel."""
        made = {"environment": self.record["environment"]}
        return comparability.apart([made, *(run.record for run in self.runs)], comparability.TELLING)

    def overview(self) -> pd.DataFrame:
        """A row for each run: what it was, how it ended, and its first figures where it is usable."""
        rows = [
            {
                "run": run.name,
                "deployment": run.deployment,
                "scenario": run.scenario,
                "block": run.block + 1,
                "status": run.status,
                "valid": bool(run.record["valid"]),
            }
            for run in self.runs
        ]
        if not rows:
            return pd.DataFrame()
        figures = self.by_run.set_index("run")[["requests", "successful", "makespan_s", "mean_ms", "p95_ms"]]
        return pd.DataFrame(rows).join(figures.round(2), on="run")

    def _summary(self):
        made = self.record["environment"]
        usable = f"{len(self.usable)} of {len(_planned(self.record))} planned runs are complete, valid and readable"
        machine = f"{made['cpu_count']} cores ({made['cpu_model']}), commit {(made.get('commit') or 'unknown')[:12]}"
        how = f"profile {self.record['profile']}, scale {self.record['scale']}"
        return [
            f"experiment {self.name}: {how}, {'complete' if self.is_complete() else 'not complete'}",
            f"{usable}; {machine}",
            *([f"its runs differ in {', '.join(self.differing)}"] if self.differing else []),
            *(f"{run.name}: {defect}" for run in self.runs for defect in run.defects),
        ]

    def __repr__(self) -> str:
        return display.text(self._summary(), self.overview())

    def _repr_html_(self) -> str:
        return display.html(self._summary(), self.overview())


def arm(table: pd.DataFrame, deployment: str, scenario: str) -> pd.DataFrame:
    """The rows of a table of runs that are of one deployment under one scenario."""
    return table[(table["deployment"] == deployment) & (table["scenario"] == scenario)]


def open_run(path: Path | str) -> Run:
    """Open a run's directory. Raises `RecordingError` if it is none."""
    path = Path(path)
    return Run(path, read_record(path, "run"))


def open_experiment(path: Path | str) -> Experiment:
    """Open an experiment's directory with all of its runs.

    Raises `RecordingError` if it is none, or if its runs were made on different machines or datasets.
    """
    path = Path(path)
    record = read_record(path, "experiment")
    names = [planned.get("run") if isinstance(planned, dict) else None for planned in _planned(record)]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise RecordingError(f"{path / 'experiment.json'} lists a run twice, or one without a name")
    directories = [path / name for name in names]
    runs = tuple(open_run(directory) for directory in directories if (directory / "run.json").exists())
    made = {"environment": record["environment"], "dataset": record.get("dataset")}
    if others := comparability.apart([made, *(run.record for run in runs)]):
        raise RecordingError(
            f"{path} mixes runs of another {' and another '.join(others)}, and no figure of it means anything: measure "
            "replicate"
        )
    return Experiment(path, record, runs)


def newest_experiment(runs_directory: Path) -> Path:
    """The complete experiment that ended last. Raises `RecordingError` if there is none."""
    stored = [path for path in runs_directory.glob("*/experiment.json") if _is_complete(path)]
    if not stored:
        raise RecordingError(f"no complete experiment in {runs_directory}; make report measures one")
    return max(stored, key=lambda path: path.stat().st_mtime).parent


def _is_complete(path):
    try:
        return open_experiment(path.parent).is_complete()
    except RecordingError:
        return False


def _planned(record):
    """The runs that were to be made: those of the plan, and the probes that a search added."""
    return [*record["runs"], *(record.get("probes") or [])]


def _entry(line):
    """The JSON object of a log line; None where it is something else."""
    if not line.startswith("{"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None
