"""What the analysis of a report takes, and how it grows with the rows: seconds and memory.

A burst has as many requests as its users make, as it has in an experiment; all others are of sustained load, at a
thousand a second, beside which readings are taken as often as in a run.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from itertools import pairwise, product
from pathlib import Path
from statistics import median

import duckdb

from instrumentation.worker_metrics import POOL_FIELDS
from loadgen import deployments, scenarios
from workbench.paths import REPOSITORY, runs_directory

ROWS = (1_000_000, 10_000_000, 100_000_000)
BLOCKS = 4
REPEATS = 5
DEPLOYMENTS, LONG = ("as-measured", "tuned"), ("sustained-100", "sustained-100-write")
FEW = {"single": 90, "burst-25": 75, "burst-50": 150, "reads": 21}
ARMS = tuple(product(DEPLOYMENTS, (*FEW, *LONG)))
ROW_US = 1000
WORKERS = 2
COUNTERS = ", ".join(f"(n * 3)::BIGINT AS {name}" for name in POOL_FIELDS)
ENVIRONMENT = {
    "commit": None, "dirty": False, "cpu_model": "drawn", "cpu_count": 2, "memory_bytes": 2**34, "kernel": "",
    "python": "", "postgresql": "", "postgresql_max_connections": 100, "packages": {},
}  # fmt: skip
# A stored run as the recorder leaves it, with times that are drawn; `{seed}` makes the runs differ.
REQUESTS = """
    COPY (
        SELECT (n % 50)::INTEGER AS user, (n // 50 + 1)::INTEGER AS sequence,
               ['login', 'dashboard', 'search'][1 + n % 3] AS endpoint, 'measure' AS phase,
               (n * {row_us})::BIGINT AS scheduled_us, (n * {row_us})::BIGINT AS start_us,
               latency_us::INTEGER AS latency_us,
               latency_us::INTEGER AS response_us, 200::SMALLINT AS status, true AS ok, NULL::VARCHAR AS error,
               200::INTEGER AS bytes, (latency_us * 0.5)::INTEGER AS queue_us, (latency_us * 0.01)::INTEGER AS pool_us,
               (latency_us * 0.2)::INTEGER AS db_us, 2::SMALLINT AS db_calls, 5::SMALLINT AS db_round_trips,
               (latency_us * 0.1)::INTEGER AS hash_us, 0::INTEGER AS cache_us, 'hit' AS cache,
               (latency_us * 0.05)::INTEGER AS session_us, (latency_us * 0.45)::INTEGER AS app_us,
               (n % {workers})::SMALLINT AS worker
        FROM (SELECT n, (-20000 * ln(1 - random()))::INTEGER + 500 AS latency_us FROM range({rows}) AS r(n))
    ) TO '{path}' (FORMAT PARQUET, COMPRESSION ZSTD)
"""
READINGS = {
    "process": """
        SELECT (n * 250000)::BIGINT AS at_us, role, 3::INTEGER AS processes, (n * 60000)::BIGINT AS cpu_us,
               CASE WHEN n % 4 = 0 THEN 100000000::BIGINT END AS pss_bytes, 4::INTEGER AS threads,
               (n * 30000)::BIGINT AS stalled_us
        FROM range({seconds} * 4 + 2) AS r(n), (VALUES ('generator'), ('server'), ('database'), ('machine')) AS v(role)
    """,
    "pool": """
        SELECT (n * 50000)::BIGINT AS at_us, worker::SMALLINT AS worker, {counters},
               3::BIGINT AS idle, 0::BIGINT AS overflow, 8::BIGINT AS server_connections
        FROM range({seconds} * 20 + 2) AS r(n), range({workers}) AS w(worker)
    """,
    "database": """
        SELECT (n * 250000)::BIGINT AS at_us, 'activity' AS source, state AS name, wait AS metric, 2.0::DOUBLE AS value
        FROM range({seconds} * 4 + 2) AS r(n),
             (VALUES ('active', 'none'), ('active', 'IO:DataFileRead'), ('idle', 'Client:ClientRead')) AS v(state, wait)
        UNION ALL
        SELECT {seconds}::BIGINT * 1000000, 'statement', 'SELECT ' || n, metric, 100.0
        FROM range(20) AS r(n), (VALUES ('calls'), ('total_ms'), ('rows')) AS v(metric)
    """,
}
# In a process of its own: its peak of memory is that of the analysis alone.
ANALYSE = """
import resource, sys, time
from analysis.findings.evaluation import evaluate
from reports import charts, sections
from workbench.recording import open_experiment

began = time.perf_counter()
experiment = open_experiment(sys.argv[1])
report = sections.Report(experiment, evaluate(experiment))
for name in sections.__all__:
    section = getattr(sections, name)
    if callable(section) and name not in ("Report",):
        [section(report, users) for users in (25, 50)] if name == "load" else section(report)
for chart in (
    charts.latency_by_endpoint, charts.percentiles, charts.where_time_goes, charts.growth, charts.timeline,
    charts.pool_use,
):
    chart(report)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def main() -> None:
    """Print what the frames of a report take for each number of rows, and how they grow."""
    print("analysis: all frames of a report, from rows that were drawn:")
    taken_s = []
    for rows in ROWS:
        with tempfile.TemporaryDirectory() as directory:
            began_s = time.perf_counter()
            _make(Path(directory) / "drawn", rows)
            made_s = time.perf_counter() - began_s
            seconds, gibibytes = _analyse(Path(directory) / "drawn")
        taken_s.append(seconds)
        told = f"  {rows:>11,} rows: {seconds:6.1f} s, {gibibytes:.2f} GiB at most"
        print(f"{told} (drawn in {made_s:.0f} s)", flush=True)
    for fewer, more in pairwise(zip(ROWS, taken_s, strict=True)):
        slope = math.log(more[1] / fewer[1]) / math.log(more[0] / fewer[0])
        print(f"  from {fewer[0]:,} to {more[0]:,} it grows with the rows to the power {slope:.2f}")
    quick = _newest("quick")
    if quick is None:
        print("  no complete experiment of the profile quick is here; make report makes one")
        return
    taken_s = [_analyse(quick)[0] for _ in range(REPEATS)]
    print(f"  all of {quick.name}: {median(taken_s):.1f} s (median of {REPEATS})")


def _newest(profile):
    """The directory of the newest complete experiment of a profile."""
    found = [path.parent for path in runs_directory().glob("*/experiment.json")]
    records = {path: json.loads((path / "experiment.json").read_text()) for path in found}
    whole = [path for path, record in records.items() if (record["profile"], record["status"]) == (profile, "complete")]
    return max(whole, key=lambda path: (path / "experiment.json").stat().st_mtime, default=None)


def _analyse(directory):
    """Seconds and GiB that all frames of this experiment take."""
    command = [sys.executable, "-c", ANALYSE, str(directory)]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    seconds, gibibytes = map(float, said[-2:])
    return seconds, gibibytes


def _make(directory, rows):
    database = duckdb.connect()
    database.execute("SELECT setseed(0.5)")
    names, few = [], BLOCKS * len(DEPLOYMENTS) * sum(FEW.values())
    for block, (deployment, scenario) in product(range(BLOCKS), ARMS):
        name = f"{block + 1}-{deployment}-{scenario}"
        names.append({"run": name})
        run = directory / name
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps(_record(name, deployment, scenario, block)))
        each = FEW.get(scenario, (rows - few) // (BLOCKS * len(DEPLOYMENTS) * len(LONG)))
        path = run / "requests.parquet"
        database.execute(REQUESTS.format(rows=each, path=path, row_us=ROW_US, workers=WORKERS))
        for table, query in READINGS.items():
            query = query.format(seconds=1 + each * ROW_US // 1_000_000, workers=WORKERS, counters=COUNTERS)
            database.execute(f"COPY ({query}) TO '{run / table}.parquet' (FORMAT PARQUET, COMPRESSION ZSTD)")
    record = {
        "experiment": "drawn", "profile": "drawn", "scale": "small", "seed": 1, "runs": names, "status": "complete",
        "environment": ENVIRONMENT,
    }  # fmt: skip
    (directory / "experiment.json").write_text(json.dumps(record))


def _record(name, deployment, scenario, block):
    settings = deployments.settings_for(deployment, scale="small").public()
    return {
        "run": name, "experiment": "drawn", "block": block, "replicate": False, "status": "complete", "valid": True,
        "deployment": {"name": deployment, "settings": settings}, "scenario": scenarios.find(scenario).record(),
        "reasons": [], "environment": ENVIRONMENT, "dataset": {"scale": "small"}, "gates": [],
        "generator": {"cpu_ms": 1000.0}, "counters": {}, "health": {},
    }  # fmt: skip


if __name__ == "__main__":
    main()
