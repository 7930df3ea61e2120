"""What the analysis of a report takes, and how it grows with the rows: seconds and memory."""

import json
import math
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import duckdb

from analysis.directories import REPOSITORY
from loadgen import deployments, scenarios

ROWS = (1_000_000, 10_000_000, 100_000_000)
BLOCKS = 4
ARMS = tuple(product(("as-measured", "tuned"), ("single", "burst-25", "burst-50", "sustained-100", "reads")))
ENVIRONMENT = {
    "commit": None, "dirty": False, "cpu_model": "drawn", "cpu_count": 2, "memory_bytes": 2**34, "kernel": "",
    "python": "", "postgresql": "", "postgresql_max_connections": 100, "packages": {},
}  # fmt: skip
# A stored run as the recorder leaves it, with times that are drawn; `{seed}` makes the runs differ.
REQUESTS = """
    COPY (
        SELECT (n % 50)::INTEGER AS user, (n // 50 + 1)::INTEGER AS sequence,
               ['login', 'dashboard', 'search'][1 + n % 3] AS endpoint, 'measure' AS phase,
               (n * 1000)::BIGINT AS scheduled_us, (n * 1000)::BIGINT AS start_us, latency_us::INTEGER AS latency_us,
               latency_us::INTEGER AS response_us, 200::SMALLINT AS status, true AS ok, NULL::VARCHAR AS error,
               200::INTEGER AS bytes, (latency_us * 0.5)::INTEGER AS queue_us, (latency_us * 0.01)::INTEGER AS pool_us,
               (latency_us * 0.2)::INTEGER AS db_us, 2::SMALLINT AS db_calls, 5::SMALLINT AS db_round_trips,
               (latency_us * 0.1)::INTEGER AS hash_us, 0::INTEGER AS cache_us, 'hit' AS cache,
               (latency_us * 0.05)::INTEGER AS session_us, (latency_us * 0.45)::INTEGER AS app_us,
               (n % 2)::SMALLINT AS worker
        FROM (SELECT n, (-20000 * ln(1 - random()))::INTEGER + 500 AS latency_us FROM range({rows}) AS r(n))
    ) TO '{path}' (FORMAT PARQUET, COMPRESSION ZSTD)
"""
# In a process of its own: its peak of memory is that of the analysis alone.
ANALYSE = """
import resource, sys, time
from analysis import findings
from analysis.recording import open_experiment
from reports import charts, sections

began = time.perf_counter()
experiment = open_experiment(sys.argv[1])
report = sections.Report(experiment, findings.judge(experiment))
for name in sections.__all__:
    section = getattr(sections, name)
    if callable(section) and name not in ("Report",):
        [section(report, users) for users in (25, 50)] if name == "load" else section(report)
for chart in (charts.latency_by_endpoint, charts.percentiles, charts.where_time_goes, charts.growth):
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
            command = [sys.executable, "-c", ANALYSE, str(Path(directory) / "drawn")]
            said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
        seconds, gibibytes = map(float, said[-2:])
        taken_s.append(seconds)
        told = f"  {rows:>11,} rows: {seconds:6.1f} s, {gibibytes:.2f} GiB at most"
        print(f"{told} (drawn in {made_s:.0f} s)", flush=True)
    slope = math.log(taken_s[-1] / taken_s[0]) / math.log(ROWS[-1] / ROWS[0])
    print(f"  it grows with the rows to the power {slope:.2f}")


def _make(directory, rows):
    database = duckdb.connect()
    database.execute("SELECT setseed(0.5)")
    names = []
    for block, (deployment, scenario) in product(range(BLOCKS), ARMS):
        name = f"{block + 1}-{deployment}-{scenario}"
        names.append({"run": name})
        run = directory / name
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps(_record(name, deployment, scenario, block)))
        each = rows // (BLOCKS * len(ARMS))
        database.execute(REQUESTS.format(rows=each, path=run / "requests.parquet"))
    record = {
        "experiment": "drawn", "profile": "drawn", "scale": "small", "seed": 1, "runs": names, "status": "complete",
        "environment": ENVIRONMENT,
    }  # fmt: skip
    (directory / "experiment.json").write_text(json.dumps(record))


def _record(name, deployment, scenario, block):
    settings = deployments.find(deployment, scale="small").public()
    return {
        "run": name, "experiment": "drawn", "block": block, "again": False, "status": "complete", "valid": True,
        "deployment": {"name": deployment, "settings": settings}, "scenario": scenarios.find(scenario).record(),
        "reasons": [], "environment": ENVIRONMENT, "dataset": {"scale": "small"}, "gates": [],
        "generator": {"cpu_ms": None}, "counters": {}, "health": {},
    }  # fmt: skip


if __name__ == "__main__":
    main()
