"""Experiments made by hand, as the load generator leaves them on disk: what is in them is known.

`as-measured` is one first-come-first-served worker that a login holds for 100 ms, a dashboard for 80 ms and a search
for 5 ms; `as-claimed` is the same ten times faster, `tuned` twenty times. A test changes one thing and states what
follows.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import queueing
from analysis.capacity import bracket, predictions
from analysis.findings import objectives
from analysis.findings.checklist import CHECKS
from instrumentation.worker_metrics import REQUEST_FIELDS
from loadgen import deployments, scenarios
from loadgen.collectors.collector import POOL_FIELDS, POOL_SCHEMA
from loadgen.collectors.database_reader import SCHEMA as DATABASE_SCHEMA
from loadgen.collectors.process_reader import SCHEMA as PROCESS_SCHEMA
from loadgen.generator.recorder import Recorder
from reference_app.settings import Settings
from workbench import validity
from workbench.record_format import FORMAT
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.request_schema import DURATIONS, SCHEMA, WRITTEN

EVERY = CHECKS | {objective.id: objective.judge for objective in objectives.load()}
BASE, OURS = "as-measured", "tuned"
SERVICE_MS = {"login": 100.0, "dashboard": 80.0, "search": 5.0, "scan": 20.0}
FASTER = {"as-measured": 1, "as-claimed": 10, "tuned": 20}
PARTS = {"pool": 0.01, "db": 0.5, "hash": 0.2, "cache": 0.0, "session": 0.04}  # shares of the service time
LOAD_BEGAN_US = 2_000_000
READINGS = 5
LATER = ("rows", "gates", "health", "outcome", "writes", "counters", "generator")  # what a record gets only at its end
REFUSAL = "over the connection budget: 8 workers × (40 + 50) = 720 connections, and the server has 97"

DATASET = {"scale": "small", "seed": 20251014}
COUNTS = {"user": 100, "bag": 20000, "scan": 5500}
ENVIRONMENT = {
    "commit": "0123456789abcdef", "dirty": False, "cpu_model": "a processor", "cpu_count": 1, "memory_bytes": 2**33,
    "kernel": "6.1", "python": "3.11.7", "postgresql": "18.6", "postgresql_max_connections": 100, "packages": {},
}  # fmt: skip
ARMS = (
    (BASE, "single"), (OURS, "single"), (BASE, "burst-25"), (OURS, "burst-25"), (BASE, "burst-50"),
    ("as-claimed", "burst-50"), (OURS, "burst-50"), (BASE, "burst-50-mix"), (OURS, "burst-50-mix"),
    (BASE, "sustained-100"), (OURS, "sustained-100"), (OURS, "sustained-100-write"), ("as-advised", "burst-50"),
    ("gevent-blocking", "burst-50"), ("tuned-without-cache", "burst-50"), (BASE, "reads"),
    ("as-measured-with-no-pool", "reads"),
    ("as-measured-with-summary", "reads"), ("as-measured-with-trigram", "reads"),
    ("as-measured-on-rds", "missing-table"), ("as-advised-at-default", "start"),
)  # fmt: skip
SEARCHES = [{"deployment": OURS, "family": "open"}]
PROBES = ((OURS, "open-8"), (OURS, "open-16"))


@dataclass
class Recorded:
    """The files of one run, before they are written: rows and readings as on disk, and the content of `run.json`."""

    record: dict
    rows: list[dict]
    process: list[dict] | None
    database: list[dict] | None
    pool: list[dict] | None
    log: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        block, position = self.record["block"] + 1, self.record["position"] + 1
        name = f"{block}-{position:02d}-{self.record['deployment']['name']}-{self.record['scenario']['name']}"
        return f"{name}-replicate" if self.record["replicate"] else name

    def of(self, endpoint: str) -> list[dict]:
        return [row for row in self.rows if row["endpoint"] == endpoint]

    def delta(self, metric: str, value: float, name: str = "all") -> None:
        """What the database server counted over the run, in place of what was there."""
        (row,) = (row for row in self.database if (row["name"], row["metric"]) == (name, metric))
        row["value"] = float(value)

    def invalid(self, reason: str = "generator CPU, share of one core: 0.95, allowed 0.8") -> "Recorded":
        self.record |= {"valid": False, "reasons": [reason]}
        return self

    def aborted(self) -> "Recorded":
        self.record |= {"status": "aborted", "valid": False, "reasons": ["stopped by Ctrl-C"]}
        self.process = self.database = self.pool = None
        return self

    def cut_off(self) -> "Recorded":
        """As a run that was killed: its first record, its streams without an end, no readings."""
        self.record = {name: value for name, value in self.record.items() if name not in LATER}
        self.record |= {"status": "running", "valid": None, "ended": None, "dataset": DATASET}
        self.process = self.database = self.pool = None
        return self

    def write(self, directory: Path) -> Run:
        directory.mkdir(parents=True)
        (directory / "run.json").write_text(json.dumps(self.record))
        (directory / "gunicorn.log").write_text("".join(f"{line}\n" for line in self.log))
        if self.record["status"] == "running":
            self._stream(directory)
        else:
            _write(self.rows, SCHEMA, directory / "requests.parquet")
        for name, schema in (("process", PROCESS_SCHEMA), ("database", DATABASE_SCHEMA), ("pool", POOL_SCHEMA)):
            if (rows := getattr(self, name)) is not None:
                _write(rows, schema, directory / f"{name}.parquet")
        return open_run(directory)

    def _stream(self, directory):
        recorder = Recorder(directory, lambda *row: row, pytest.fail)
        for row in self.rows:
            recorder.add(_written(row))
        recorder.flush()
        without_end = recorder.path.read_bytes()
        recorder.close()
        recorder.path.write_bytes(without_end)


class Builder:
    """Makes runs, and writes experiments of them into a folder of runs."""

    def __init__(self, runs: Path):
        self.runs = runs

    def run(
        self,
        deployment: str = BASE,
        scenario: str = "burst-50",
        *,
        block: int = 0,
        replicate: bool = False,
        slower: float = 1.0,
    ) -> Recorded:
        """One run that went well; `slower` times what its deployment takes."""
        settings = _settings(deployment)
        planned = scenarios.find(scenario)
        alone_ms = {endpoint: ms / FASTER.get(deployment, 1) for endpoint, ms in SERVICE_MS.items()}
        if deployment == "as-measured-with-summary":
            alone_ms = alone_ms | {"dashboard": 2.0}
        rows = _rows(planned, {endpoint: slower * ms for endpoint, ms in alone_ms.items()}, settings)
        made = Recorded(_record(deployment, settings, planned, block), rows, None, None, None)
        made.record["replicate"] = replicate
        if planned.kind == "start":
            made.record |= {"outcome": {"started": False, "message": REFUSAL}, "gates": []}
            return made
        instants_us = _instants_us(rows)
        made.process = _process(instants_us, settings)
        made.database = _database(instants_us, rows, settings, planned)
        made.pool = _pool(instants_us, rows, settings)
        found = {"name": settings.profile, "found_by": "host name", "confirmed": settings.profile == "local"}
        made.record["generator"] = {"requests": len(rows), "rows": len(rows), "cpu_ms": 1.5 * len(rows)}
        made.record["counters"] = dict.fromkeys(REQUEST_FIELDS, 0)
        made.record["health"] = {"status": "ok", "pool_profile": found}
        made.record["gates"] = [gate.record() for gate in _gates(made, planned)]
        if planned.unavailable:
            made.log = [_log_line(row, planned) for row in made.of("dashboard")]
        if scans := len(made.of("scan")):
            counts = {"acknowledged": scans, "stored": scans, "lost": 0, "doubled": 0, "unacknowledged": 0}
            made.record["writes"] = counts
        return made

    def experiment(
        self,
        *runs: Recorded,
        name: str = "made",
        never_begun: tuple[str, ...] = (),
        probes: tuple[Recorded, ...] = (),
        **record,
    ) -> Experiment:
        """Write the runs, in this order, as one experiment. `record` are fields of `experiment.json`."""
        directory = self.runs / name
        directory.mkdir(parents=True)
        for position, run in enumerate((*runs, *probes)):
            run.record |= {"position": position, "experiment": name}
            run.record["run"] = run.name
            run.write(directory / run.name)
        planned = [{"run": run} for run in (*(run.name for run in runs), *never_begun)]
        content = {
            "format": FORMAT, "experiment": name, "profile": "quick", "scale": "small", "seed": 1, "runs": planned,
            "searches": SEARCHES if probes else [], "probes": [{"run": run.name} for run in probes],
            "environment": runs[0].record["environment"] if runs else ENVIRONMENT, "status": "complete", **record,
        }  # fmt: skip
        (directory / "experiment.json").write_text(json.dumps(content))
        return open_experiment(directory)

    def foretell(self, experiment: Experiment, which: Run, **changed) -> Path:
        """Write down a prediction of one of its runs, before it began."""
        content = {
            "run": which.name, "written": "2025-12-31T23:59:59.000Z", "base": experiment.runs[0].name,
            "changes": {"workers": [1, 2]}, "load": bracket.load_of(which), "capacity": 12.0, "throughput_rps": 10.0,
            "mean_ms": 4.0, "p95_ms": {"login": 10.0, "dashboard": 4.0, "search": 1.0}, **changed,
        }  # fmt: skip
        path = predictions.path_of(experiment.directory, which.name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    def full(self, *without: str, name: str = "made", invalid: bool = False) -> Experiment:
        """Every arm of the quick profile and a search for capacity, less those of some deployments."""
        runs, probes = (
            [self.run(*arm).invalid() if invalid else self.run(*arm) for arm in arms if arm[0] not in without]
            for arms in (ARMS, PROBES)
        )
        return self.experiment(*runs, name=name, probes=tuple(probes))


@pytest.fixture(scope="session")
def builder() -> type[Builder]:
    """For experiments that several tests share: give it a folder."""
    return Builder


@pytest.fixture
def made(tmp_path) -> Builder:
    return Builder(tmp_path / "runs")


@pytest.fixture(scope="module")
def full(tmp_path_factory, builder) -> Experiment:
    return builder(tmp_path_factory.mktemp("full")).full()


@pytest.fixture
def judge(made):
    """The judgement of one claim on an experiment of these runs."""

    def judgement(name, *runs):
        return EVERY[name](made.experiment(*runs))

    return judgement


def _settings(deployment) -> Settings:
    settings = deployments.find(deployment, scale="small", login_throttle=False)
    url = f"postgresql://tracetrack:x@{settings.database_host or '127.0.0.1'}/run"
    return replace(settings, database_url=url).with_profile()


def _record(deployment, settings, scenario, block):
    return {
        "format": FORMAT, "run": "", "experiment": "", "block": block, "position": 0,
        "deployment": {"name": deployment, "settings": settings.public()}, "scenario": scenario.record(),
        "seed": 1000, "dataset": DATASET | {"counts": COUNTS}, "environment": ENVIRONMENT,
        "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:01:00.000Z",
        "status": "complete", "valid": True, "reasons": [],
    }  # fmt: skip


def _rows(scenario, service_ms, settings):
    if scenario.kind == "start":
        return []
    if scenario.kind == "burst":
        sent = queueing.replay_burst(service_ms, scenario.users).itertuples(index=False)
        asked = [(user, endpoint, start_ms, latency_ms, "measure") for user, endpoint, start_ms, latency_ms in sent]
    else:
        asked = _one_after_the_other(scenario, service_ms)
    sequences: dict[int, int] = {}
    rows = []
    for user, endpoint, start_ms, latency_ms, phase in asked:
        sequences[user] = sequences.get(user, 0) + 1
        row = make_row(user, sequences[user], endpoint, start_ms, latency_ms, service_ms[endpoint], settings)
        rows.append(row | {"phase": phase})
    return rows


def _one_after_the_other(scenario, service_ms):
    """One user; what comes before the measured phase takes three times as long."""
    steps = list(scenario.shares) if scenario.kind == "sustained" else list(scenario.steps)
    turns = [step for _ in range(max(scenario.passes, 10)) for step in steps]
    warm_up = [*(["login"] if "login" not in steps else []), *steps]
    now_ms = 0.0
    for number, endpoint in enumerate([*warm_up, *turns]):
        is_warm = number >= len(warm_up)
        latency_ms = service_ms[endpoint] * (1 if is_warm else 3)
        yield 0, endpoint, now_ms, latency_ms, "measure" if is_warm else "warmup"
        now_ms += latency_ms


def make_row(
    user: int, sequence: int, endpoint: str, start_ms: float, latency_ms: float, service_ms: float, settings: Settings
) -> dict:
    """One request that was answered rightly: it waited, then held a worker for `service_ms`."""
    statements = 2 if endpoint == "dashboard" else 1
    app_us, latency_us = round(1000 * service_ms), round(1000 * latency_ms)
    start_us = LOAD_BEGAN_US + round(1000 * start_ms)
    return {
        "user": user, "sequence": sequence, "endpoint": endpoint, "phase": "measure", "scheduled_us": start_us,
        "start_us": start_us, "latency_us": latency_us, "response_us": latency_us,
        "status": {"login": 302, "scan": 201}.get(endpoint, 200), "ok": True, "error": None, "bytes": 200,
        "queue_us": latency_us - app_us, **{f"{part}_us": round(share * app_us) for part, share in PARTS.items()},
        "db_calls": statements, "db_round_trips": statements + (3 if settings.reads == "transaction" else 1),
        "cache": "none" if settings.cache == "off" or endpoint in ("login", "scan") else "hit",
        "app_us": app_us, "worker": user % settings.workers,
    }  # fmt: skip


def _instants_us(rows):
    last_us = max(row["start_us"] + row["latency_us"] for row in rows)
    return [LOAD_BEGAN_US + n * (last_us - LOAD_BEGAN_US) // (READINGS - 1) for n in range(READINGS)]


def _process(instants_us, settings):
    """The generator takes a tenth of a core, the server nine."""
    return [
        {
            "at_us": at_us, "role": role, "processes": 1 + settings.workers, "threads": 4,
            "cpu_us": round(share * (at_us - LOAD_BEGAN_US)), "pss_bytes": 2**20 * (mib + n),
        }
        for n, at_us in enumerate(instants_us)
        for role, share, mib in (("generator", 0.1, 90), ("server", 0.9, 60), ("database", 0.2, 50))
    ]  # fmt: skip


def _database(instants_us, rows, settings, scenario):
    """Each worker has one connection, asked before each use but the first."""
    connections = settings.workers
    failed = sum(row["endpoint"] == "dashboard" for row in rows) if scenario.unavailable else 0
    readings = [("activity", "idle", "Client", connections, at_us) for at_us in instants_us]
    deltas = [
        ("database", "all", "sessions", connections, instants_us[-1]),
        ("database", "all", "commits", len(rows), instants_us[-1]),
        ("database", "all", "rollbacks", len(rows) + failed, instants_us[-1]),
        ("statement", "SELECT $1", "calls", len(rows) - connections, instants_us[-1]),
        ("statement", "SELECT $1", "total_ms", 0.01 * len(rows), instants_us[-1]),
        ("statement", "BEGIN", "calls", len(rows), instants_us[-1]),
    ]
    names = ("source", "name", "metric", "value", "at_us")
    return [dict(zip(names, (*row[:3], float(row[3]), row[4]), strict=True)) for row in (*readings, *deltas)]


def _pool(instants_us, rows, settings):
    """Each worker opens one connection in 10 ms; a use takes 4 ms, and a caller waits 1 ms for it."""
    return [
        dict.fromkeys(POOL_FIELDS, 0)
        | {
            "at_us": at_us, "worker": worker, "size": settings.pool_size, "open": 1, "checked_out": 1,
            "limit": settings.pool_size + settings.pool_max_overflow, "most_checked_out": 1, "most_pending": 2,
            "acquires": uses, "wait_ns": 1_000_000 * uses, "longest_wait_ns": (3 + worker) * 1_000_000,
            "uses": uses, "use_ns": 4_000_000 * uses, "longest_use_ns": 9_000_000, "creates": 1,
            "create_ns": 10_000_000, "idle": 0, "overflow": 0, "server_connections": settings.workers,
        }
        for n, at_us in enumerate(instants_us)
        for worker in range(settings.workers)
        for uses in [n * len(rows) // (READINGS - 1) // settings.workers]
    ]  # fmt: skip


def _gates(run, scenario):
    names = ("scheduled_us", "start_us", "latency_us", "status", "error", "ok")
    requests = {name: [row[name] for row in run.rows] for name in names}
    frames = pd.DataFrame(requests), pd.DataFrame(run.process)
    told = {"processes": 1, "requests": len(run.rows)}
    return validity.gates(*frames, told=told, expected=scenario.expected_requests(), kind=scenario.kind)


def _written(row):
    """A row as the generator writes it, the times of the application in their header."""
    parts = [f"{name.removesuffix('_us')};dur={row[name] / 1000}" for name in DURATIONS if row[name] is not None]
    parts += [f'trips;desc="{row["db_round_trips"]}"', f'worker;desc="{row["worker"]}"']
    timing = ", ".join(parts).replace("db;dur", f'db;desc="{row["db_calls"]}";dur')
    made = row | {"measured": row["phase"] == "measure", "server_timing": timing}
    return tuple(made[name] for name in WRITTEN.names)


def _log_line(row, scenario):
    name = f"{row['user']}-{row['sequence']}"
    return json.dumps({"level": "WARNING", "request_id": name, "unavailable": list(scenario.unavailable)})


def _write(rows, schema, path):
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
