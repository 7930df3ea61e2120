"""Recorded runs and experiments, opened for reading; nothing here changes a file.

Durations are int32 microseconds on disk and float milliseconds once read. A run that was cut off is readable and
says so in `status`.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa

from .problem import Problem
from .stream import STREAMS, read_stream

NEEDED = {
    "run": ("deployment", "scenario", "block", "status", "valid", "reasons", "environment", "dataset"),
    "experiment": ("experiment", "profile", "scale", "seed", "status", "runs", "environment"),
}
PARTS = ("pool", "db", "hash", "cache", "session")


class RecordingError(Problem):
    """A path that holds no run or experiment; the message says what is missing."""


@dataclass(frozen=True)
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
    def again(self) -> bool:
        """Which of the two runs that a baseline has in each block it is; either may come first."""
        return self.record.get("again", False)

    @property
    def status(self) -> str:
        """complete, aborted, or `cut off` where the run never came to its end."""
        return "cut off" if self.record["status"] == "running" else self.record["status"]

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row a request, by its send, times in ms, with `rest_ms` (app less its parts) and `residual_ms`."""
        frame = self._rows().copy()
        for column in [name for name in frame.columns if name.endswith("_us")]:
            frame[column.removesuffix("_us") + "_ms"] = frame.pop(column) / 1000
        frame["rest_ms"] = frame["app_ms"] - frame[[f"{part}_ms" for part in PARTS]].sum(axis=1)
        frame["residual_ms"] = frame["latency_ms"] - frame["queue_ms"] - frame["app_ms"]
        return frame.sort_values("start_ms", ignore_index=True, kind="stable")

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

    def _rows(self):
        stored = self.directory / "requests.parquet"
        if stored.exists():
            return _parquet(stored)
        batches = [batch for path in sorted(self.directory.glob(STREAMS)) for batch in read_stream(path)]
        if not batches:
            raise RecordingError(f"{self.directory} holds no request rows; the run ended before its first one")
        return pa.Table.from_batches(batches).to_pandas()

    def _readings(self, name, columns):
        path = self.directory / f"{name}.parquet"
        return _parquet(path) if path.exists() else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
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
        return self.record["status"] == "complete" and len(ended) == len(_planned(self.record))

    @property
    def usable(self) -> list[Run]:
        """The complete and valid runs."""
        return [run for run in self.runs if run.status == "complete" and run.record["valid"]]

    def of(self, deployment: str) -> list[Run]:
        """Those of a deployment under any scenario."""
        return [run for run in self.usable if run.deployment == deployment]

    def find(self, deployment: str, scenario: str) -> list[Run]:
        """The complete and valid runs of an arm, by block; a baseline has two in each."""
        return [run for run in self.of(deployment) if run.scenario == scenario]

    def blocks(self, deployment: str, scenario: str) -> int:
        """In how many blocks the arm has a complete and valid run."""
        return len({run.block for run in self.find(deployment, scenario)})

    def measured(self, deployment: str, scenario: str) -> pd.DataFrame:
        """The measured rows of an arm's runs one after the other, with `block` and `again`; empty without a run."""
        runs = self.find(deployment, scenario)
        frames = [run.measured.assign(block=run.block, again=run.again) for run in runs]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def open_run(path: Path | str) -> Run:
    """Open a run's directory. Raises `RecordingError` if it is none."""
    path = Path(path)
    return Run(path, _record(path, "run.json", "run"))


def open_experiment(path: Path | str) -> Experiment:
    """Open an experiment's directory with all of its runs. Raises `RecordingError` if it is none."""
    path = Path(path)
    record = _record(path, "experiment.json", "experiment")
    directories = [path / planned["run"] for planned in _planned(record)]
    runs = tuple(open_run(directory) for directory in directories if (directory / "run.json").exists())
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
    return [*record["runs"], *record.get("probes", [])]


def _record(path, name, kind):
    try:
        record = json.loads((path / name).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise RecordingError(f"{path} is no {kind}: it has no {name}; see python -m analysis history") from None
    except ValueError:
        raise RecordingError(f"{path / name} is not readable JSON; measure again") from None
    missing = [key for key in NEEDED[kind] if not isinstance(record, dict) or key not in record]
    if missing:
        raise RecordingError(f"{path / name} is no record of a {kind}: it lacks {', '.join(missing)}")
    return record


def _entry(line):
    """The JSON object of a log line; None where it is something else."""
    if not line.startswith("{"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def _parquet(path):
    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise RecordingError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
