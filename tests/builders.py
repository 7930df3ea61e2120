"""Builders of recordings whose content is known, written as the load generator leaves them on disk.

On `as-measured` one worker serves requests in order of arrival and takes 100 ms for a login, 80 ms for a dashboard and
5 ms for a search; `as-claimed` is ten times as fast, `tuned` twenty times. A test changes one thing and states the
consequence.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.capacity import bracket, predictions
from analysis.findings import checklist, objectives
from analysis.findings.finding import Finding
from loadgen import deployments, scenarios
from loadgen.collectors.collector import POOL_SCHEMA
from loadgen.collectors.database_reader import SCHEMA as DATABASE_SCHEMA
from loadgen.collectors.memory_reader import SCHEMA as MEMORY_SCHEMA
from loadgen.collectors.process_reader import SCHEMA as PROCESS_SCHEMA
from loadgen.collectors.resource_reader import SCHEMA as RESOURCE_SCHEMA
from loadgen.generator.recorder import Recorder
from loadgen.scenarios import Scenario
from reference_app.counters import RECORDED_COUNTERS
from reference_app.settings import Settings
from tests import synthetic_runs
from workbench import seal, statement_plans, validity
from workbench.arms import ADVISED, BASELINE, CLAIMED, GEVENT_BLOCKING, ON_RDS, READS, TUNED
from workbench.record_format import FORMAT
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.request_schema import DURATIONS, SCHEMA, WRITTEN

# Claims that pass or fail, by id, each with the function that evaluates an experiment for it.
EVALUATIONS: dict[str, Callable[[Experiment], Finding]] = {
    claim.id: claim.evaluate for claim in (*checklist.statements(), *objectives.load())
}
SERVICE_MS = {"login": 100.0, "dashboard": 80.0, "search": 5.0, "scan": 20.0, "shipment": 1000.0}
SPEEDUPS = {BASELINE: 1, CLAIMED: 10, TUNED: 20}
# Fields that a record gets at the end of its run.
FINAL_FIELDS = ("rows", "gates", "health", "outcome", "writes", "counters", "generator")
REFUSAL = "over the connection budget: 8 workers × (40 + 50) = 720 connections, and the server has 97"

DATASET = {"scale": "small", "seed": 20251014}
COUNTS = {"user": 100, "bag": 20000, "scan": 5500}
# Plans that PostgreSQL made on production data, as `loadgen experiment` recorded them under `reads`.
RECORDED_PLANS = json.loads(Path(__file__).with_name("recorded_plans.json").read_text())
ENVIRONMENT = {
    "commit": "0123456789abcdef", "dirty": False, "cpu_model": "a processor", "cpu_count": 1, "memory_bytes": 2**33,
    "kernel": "6.1", "python": "3.11.7", "postgresql": "18.6", "postgresql_max_connections": 100, "packages": {},
}  # fmt: skip
ARMS = (
    (BASELINE, "single"), (TUNED, "single"), (BASELINE, "burst-25"), (TUNED, "burst-25"), (BASELINE, "burst-50"),
    (CLAIMED, "burst-50"), (TUNED, "burst-50"), (BASELINE, "burst-50-mix"), (TUNED, "burst-50-mix"),
    (BASELINE, "sustained-100"), (TUNED, "sustained-100"), (TUNED, "sustained-100-write"), (ADVISED, "burst-50"),
    (GEVENT_BLOCKING, "burst-50"), ("tuned-without-cache", "burst-50"), (BASELINE, "reads"),
    ("as-measured-with-no-pool", "reads"),
    ("as-measured-with-summary", "reads"), ("as-measured-with-trigram", "reads"),
    (ON_RDS, "missing-table"), ("as-advised-at-default", "start"),
)  # fmt: skip
SEARCHES = [{"deployment": TUNED, "family": "open"}]
PROBES = ((TUNED, "open-8"), (TUNED, "open-16"))


def seal_run(directory: Path, record: dict) -> None:
    """Write the record of a run as the load generator does: sealed, unless the run has not ended."""
    if record["status"] == "running":
        (directory / "run.json").write_text(json.dumps(record))
    else:
        seal.write(directory / "run.json", json.dumps(record | {"files": seal.describe_run(directory)}))


def seal_experiment(directory: Path, record: dict) -> None:
    """Write the record of an experiment, sealed with the files that it has now."""
    paths = [*directory.glob("*/run.json"), *directory.glob("predictions/*.json")]
    files = {str(path.relative_to(directory)): seal.describe(path) for path in paths}
    seal.write(directory / "experiment.json", json.dumps(record | {"files": files}))


def reseal(directory: Path) -> None:
    """Seal a run or an experiment anew after a test has edited its files, and what it is a part of."""
    if (directory / "run.json").exists():
        seal_run(directory, json.loads((directory / "run.json").read_text()))
        directory = directory.parent
    if (directory / "experiment.json").exists():
        seal_experiment(directory, json.loads((directory / "experiment.json").read_text()))


@dataclass
class RunFiles:
    """The files of one run before they are written: the content of `run.json`, rows and readings as on disk."""

    record: dict
    rows: list[dict]
    process: list[dict] | None
    database: list[dict] | None
    pool: list[dict] | None
    log: list[str] = field(default_factory=list)
    plans: list[dict] = field(default_factory=list)
    memory: list[dict] | None = None
    resources: list[dict] | None = None

    @property
    def name(self) -> str:
        block, position = self.record["block"] + 1, self.record["position"] + 1
        name = f"{block}-{position:02d}-{self.record['deployment']['name']}-{self.record['scenario']['name']}"
        return f"{name}-replicate" if self.record["replicate"] else name

    def rows_of(self, endpoint: str) -> list[dict]:
        """Its rows of one endpoint."""
        return [row for row in self.rows if row["endpoint"] == endpoint]

    def set_database_delta(self, metric: str, value: float, name: str = "all") -> None:
        """Replace what the database server counted over the run."""
        (row,) = (row for row in self.database or () if (row["name"], row["metric"]) == (name, metric))
        row["value"] = float(value)

    def invalid(self, reason: str = "generator CPU, share of one core: 0.95, allowed 0.8") -> "RunFiles":
        """Make it an invalid run."""
        self.record |= {"valid": False, "reasons": [reason]}
        return self

    def aborted(self) -> "RunFiles":
        """Make it a run that Ctrl-C stopped."""
        self.record |= {"status": "aborted", "valid": False, "reasons": ["stopped by Ctrl-C"]}
        self.process = self.database = self.pool = None
        return self

    def stopped_by_hand(self) -> "RunFiles":
        """Make it a run that was stopped from the board of an experiment, which went on."""
        self.record |= {"status": "aborted", "valid": False, "reasons": ["stopped by hand"], "stopped_by_hand": True}
        return self

    def cut_off(self) -> "RunFiles":
        """Make it a run that was killed: its first record, a stream without an end, no readings."""
        self.record = {name: value for name, value in self.record.items() if name not in FINAL_FIELDS}
        self.record |= {"status": "running", "valid": None, "ended": None, "dataset": DATASET}
        self.process = self.database = self.pool = None
        return self

    def write(self, directory: Path) -> Run:
        """Write the files into a new directory, and open it."""
        directory.mkdir(parents=True)
        ids = {"run": directory.name, "experiment": directory.parent.name}
        self.record |= {name: self.record[name] or value for name, value in ids.items()}
        (directory / "gunicorn.log").write_text("".join(f"{line}\n" for line in self.log))
        if self.plans:
            (directory / statement_plans.FILE).write_text(json.dumps({statement_plans.KEY: self.plans}))
        if self.record["status"] == "running":
            self._write_stream(directory)
        else:
            # A test makes a request fail by its `ok`; what is stored has a reason too.
            rows = [row if row["ok"] or row["error"] else row | {"error": "failed"} for row in self.rows]
            _write_parquet(rows, SCHEMA, directory / "requests.parquet")
        for name, schema in (
            ("process", PROCESS_SCHEMA),
            ("database", DATABASE_SCHEMA),
            ("pool", POOL_SCHEMA),
            ("memory", MEMORY_SCHEMA),
            ("resources", RESOURCE_SCHEMA),
        ):
            if (rows := getattr(self, name)) is not None:
                _write_parquet(rows, schema, directory / f"{name}.parquet")
        seal_run(directory, self.record)
        return open_run(directory)

    def _write_stream(self, directory: Path) -> None:
        recorder = Recorder(directory, lambda *row: row, pytest.fail)
        for row in self.rows:
            recorder.add(_generator_row(row))
        recorder.flush()
        without_end = recorder.path.read_bytes()
        recorder.close()
        recorder.path.write_bytes(without_end)


class Builder:
    """Builds runs, and writes experiments of them into a folder of experiments."""

    def __init__(self, runs: Path):
        self.runs = runs

    def run(
        self,
        deployment: str = BASELINE,
        scenario: str = "burst-50",
        *,
        block: int = 0,
        replicate: bool = False,
        slower: float = 1.0,
    ) -> RunFiles:
        """A complete, valid run without failures; requests take `slower` times the time of their deployment."""
        settings, load = _settings(deployment), scenarios.find(scenario)
        rows = synthetic_runs.request_rows(load, _service_ms(deployment, slower), settings)
        run = RunFiles(_record(deployment, settings, load, block), rows, None, None, None)
        run.plans = RECORDED_PLANS.get(deployment, []) if scenario == READS else []
        run.record["replicate"] = replicate
        if load.kind == "start":
            run.record |= {"outcome": {"started": False, "message": REFUSAL}, "gates": []}
        else:
            _add_readings(run, settings, load)
            _add_final_fields(run, settings, load)
        return run

    def experiment(
        self,
        *runs: RunFiles,
        name: str = "made",
        not_started: Sequence[str] = (),
        probes: Sequence[RunFiles] = (),
        **record,
    ) -> Experiment:
        """Write the runs, in this order, as one experiment.

        `not_started` are the names of planned runs without a directory; `record` are fields of `experiment.json`.
        """
        directory = self.runs / name
        directory.mkdir(parents=True)
        for position, run in enumerate((*runs, *probes)):
            run.record |= {"position": position, "experiment": name}
            run.record["run"] = run.name
            run.write(directory / run.name)
        planned = [{"run": run} for run in (*(run.name for run in runs), *not_started)]
        content = {
            "format": FORMAT, "experiment": name, "profile": "quick", "scale": "small", "seed": 1, "runs": planned,
            "searches": SEARCHES if probes else [], "probes": [{"run": run.name} for run in probes],
            "environment": runs[0].record["environment"] if runs else ENVIRONMENT, "status": "complete", **record,
        }  # fmt: skip
        seal_experiment(directory, content)
        return open_experiment(directory)

    def predict(self, experiment: Experiment, run: Run, /, **changes) -> Path:
        """Write a prediction of one of its runs, made before the run; `changes` are fields of its file."""
        content = {
            "run": run.name, "written": "2025-12-31T23:59:59.000Z", "base": experiment.runs[0].name,
            "changes": {"workers": [1, 2]}, "load": bracket.load_of(run), "capacity": 12.0, "throughput_rps": 10.0,
            "mean_ms": 4.0, "p95_ms": {"login": 10.0, "dashboard": 4.0, "search": 1.0}, **changes,
        }  # fmt: skip
        path = predictions.path_of(experiment.directory, run.name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        seal_experiment(experiment.directory, dict(experiment.record))
        return path

    def full(self, *without: str, name: str = "made", invalid: bool = False) -> Experiment:
        """Every arm of the quick profile and a capacity search, except those of the deployments in `without`."""
        runs, probes = (
            [self.run(*arm).invalid() if invalid else self.run(*arm) for arm in arms if arm[0] not in without]
            for arms in (ARMS, PROBES)
        )
        return self.experiment(*runs, name=name, probes=probes)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """A builder in the test's own folder."""
    return Builder(tmp_path / "runs")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The experiment of `Builder.full`."""
    return Builder(tmp_path_factory.mktemp("full")).full()


@pytest.fixture
def evaluate(builder: Builder) -> Callable[..., Finding]:
    """Evaluate one claim, by its id, on an experiment of these runs."""

    def evaluate(claim: str, *runs: RunFiles) -> Finding:
        return EVALUATIONS[claim](builder.experiment(*runs))

    return evaluate


def _settings(deployment: str) -> Settings:
    settings = deployments.settings_for(deployment, scale="small", login_throttle=False)
    url = f"postgresql://tracetrack:x@{settings.database_host or '127.0.0.1'}/run"
    return replace(settings, database_url=url).with_profile()


def _service_ms(deployment: str, slower: float) -> dict[str, float]:
    service_ms = {endpoint: ms / SPEEDUPS.get(deployment, 1) for endpoint, ms in SERVICE_MS.items()}
    if deployment == "as-measured-with-summary":
        service_ms["dashboard"] = 2.0
    return {endpoint: slower * ms for endpoint, ms in service_ms.items()}


def _record(deployment: str, settings: Settings, scenario: Scenario, block: int) -> dict:
    return {
        "format": FORMAT, "run": "", "experiment": "", "block": block, "position": 0,
        "deployment": {"name": deployment, "settings": settings.public()}, "scenario": scenario.record(),
        "seed": 1000, "dataset": DATASET | {"counts": COUNTS}, "environment": ENVIRONMENT,
        "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:01:00.000Z",
        "status": "complete", "valid": True, "reasons": [],
    }  # fmt: skip


def _add_readings(run: RunFiles, settings: Settings, scenario: Scenario) -> None:
    instants_us = synthetic_runs.reading_instants_us(run.rows)
    run.process = synthetic_runs.process_readings(instants_us, settings)
    run.database = synthetic_runs.database_readings(instants_us, run.rows, settings, scenario)
    run.pool = synthetic_runs.pool_readings(instants_us, run.rows, settings)


def _add_final_fields(run: RunFiles, settings: Settings, scenario: Scenario) -> None:
    """Add what a run is recorded with at its end: counts, gates, the log, the audit of writes."""
    profile = {"name": settings.profile, "found_by": "host name", "confirmed": settings.profile == "local"}
    requests = len(run.rows)
    run.record["generator"] = {"requests": requests, "rows": requests, "cpu_ms": 1.5 * requests}
    run.record["counters"] = dict.fromkeys(RECORDED_COUNTERS, 0)
    run.record["health"] = {"status": "ok", "pool_profile": profile}
    run.record["gates"] = [gate.record() for gate in _gates(run, scenario)]
    if scenario.unavailable:
        run.log = [_log_line(row, scenario) for row in run.rows_of("dashboard")]
    if scans := len(run.rows_of("scan")):
        counts = {"acknowledged": scans, "stored": scans, "lost": 0, "doubled": 0, "unacknowledged": 0}
        run.record["writes"] = counts


def _gates(run: RunFiles, scenario: Scenario) -> list[validity.Gate]:
    names = ("scheduled_us", "user_wait_us", "start_us", "latency_us", "status", "error", "ok")
    requests = pd.DataFrame({name: [row[name] for row in run.rows] for name in names})
    summary = {"processes": 1, "requests": len(run.rows)}
    return validity.gates(
        requests,
        pd.DataFrame(run.process),
        summary=summary,
        expected=scenario.expected_requests(),
        kind=scenario.kind,
    )


def _generator_row(row: dict) -> tuple:
    """A row as the generator writes it, the times of the application in the header."""
    parts = [f"{name.removesuffix('_us')};dur={row[name] / 1000}" for name in DURATIONS if row[name] is not None]
    parts += [f'trips;desc="{row["db_round_trips"]}"', f'worker;desc="{row["worker"]}"']
    parts += [f'connection;desc="{row["connection"]}"'] if row.get("connection") is not None else []
    timing = ", ".join(parts).replace("db;dur", f'db;desc="{row["db_calls"]}";dur')
    written = row | {"server_timing": timing}
    return tuple(written.get(name) for name in WRITTEN.names)


def _log_line(row: dict, scenario: Scenario) -> str:
    """The log line of a response that lacks the unavailable parts."""
    name = f"{row['user']}-{row['sequence']}"
    return json.dumps({"level": "WARNING", "request_id": name, "unavailable": list(scenario.unavailable)})


def _write_parquet(rows: list[dict], schema: pa.Schema, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
