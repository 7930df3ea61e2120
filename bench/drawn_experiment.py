"""An experiment on disk as the load generator leaves one, with a chosen number of request rows that are drawn.

A burst has as many requests as its users make, as in an experiment; all others are of sustained load, at a thousand a
second, with readings as often as in a run.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from instrumentation.worker_metrics import POOL_FIELDS
from loadgen import deployments, scenarios
from workbench import seal
from workbench.arms import BASELINE, BURST_25, BURST_50, READS, SINGLE, SUSTAINED_100, SUSTAINED_100_WRITE, TUNED
from workbench.endpoints import PUBLISHED
from workbench.record_format import FORMAT
from workbench.request_schema import MEASURE, SCHEMA, STORED

NAME = "drawn"
BLOCKS = 4
DEPLOYMENTS = (BASELINE, TUNED)
LONG_SCENARIOS = (SUSTAINED_100, SUSTAINED_100_WRITE)
FIXED_ROWS = {SINGLE: 90, BURST_25: 75, BURST_50: 150, READS: 21}  # by scenario
ARMS = tuple(product(DEPLOYMENTS, (*FIXED_ROWS, *LONG_SCENARIOS)))
ROW_US = 1000  # from one send to the next
WORKERS = 2
ENVIRONMENT: dict[str, Any] = {
    "commit": None, "dirty": False, "cpu_model": NAME, "cpu_count": 2, "memory_bytes": 2**34, "kernel": "",
    "python": "", "postgresql": "", "postgresql_max_connections": 100, "packages": {},
}  # fmt: skip
# SQL for each column of a request row; columns that are not listed are null.
DRAWN = {
    "user": "n % 50",
    "sequence": "n // 50 + 1",
    "endpoint": f"{list(PUBLISHED)}[1 + n % {len(PUBLISHED)}]",
    "phase": f"'{MEASURE}'",
    "scheduled_us": f"n * {ROW_US}",
    "start_us": f"n * {ROW_US}",
    "latency_us": "drawn_us",
    "response_us": "drawn_us",
    "status": "200",
    "ok": "true",
    "bytes": "200",
    "queue_us": "drawn_us * 0.5",
    "pool_us": "drawn_us * 0.01",
    "db_us": "drawn_us * 0.2",
    "db_calls": "2",
    "db_round_trips": "5",
    "hash_us": "drawn_us * 0.1",
    "cache_us": "0",
    "cache": "'hit'",
    "session_us": "drawn_us * 0.05",
    "loop_us": "0",
    "app_us": "drawn_us * 0.45",
    "worker": f"n % {WORKERS}",
    "connection": f"1 + n // {WORKERS} % 5",
}
SQL_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
}
COLUMNS = [f'({DRAWN.get(field.name, "NULL")})::{SQL_TYPES[field.type]} AS "{field.name}"' for field in SCHEMA]
REQUESTS = f"""
    SELECT {", ".join(COLUMNS)}
    FROM (SELECT n, (-20000 * ln(1 - random()))::INTEGER + 500 AS drawn_us FROM range({{rows}}) AS r(n))
"""
READINGS = {
    "process": """
        SELECT (n * 250000)::BIGINT AS at_us, role, 3::INTEGER AS processes, (n * 60000)::BIGINT AS cpu_us,
               CASE WHEN n % 4 = 0 THEN 100000000::BIGINT END AS pss_bytes, 4::INTEGER AS threads,
               (n * 30000)::BIGINT AS stalled_us
        FROM range({seconds} * 4 + 2) AS r(n), (VALUES ('generator'), ('server'), ('database'), ('machine')) AS v(role)
    """,
    "pool": f"""
        SELECT (n * 50000)::BIGINT AS at_us, worker::SMALLINT AS worker,
               {", ".join(f"(n * 3)::BIGINT AS {name}" for name in POOL_FIELDS)},
               3::BIGINT AS idle, 0::BIGINT AS overflow, 8::BIGINT AS server_connections
        FROM range({{seconds}} * 20 + 2) AS r(n), range({WORKERS}) AS w(worker)
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


def rows_of_runs(long_rows: int) -> int:
    """The rows of an experiment whose long runs have so many each."""
    return BLOCKS * len(DEPLOYMENTS) * (sum(FIXED_ROWS.values()) + len(LONG_SCENARIOS) * long_rows)


def create(directory: Path, rows: int) -> None:
    """Write an experiment with `rows` request rows in all."""
    database = _database()
    groups = BLOCKS * len(DEPLOYMENTS)
    long_rows = (rows - groups * sum(FIXED_ROWS.values())) // (groups * len(LONG_SCENARIOS))
    names = []
    for block, (deployment, scenario) in product(range(BLOCKS), ARMS):
        name = f"{block + 1}-{deployment}-{scenario}"
        names.append({"run": name})
        run = directory / name
        run.mkdir(parents=True)
        _write_tables(database, run, FIXED_ROWS.get(scenario, long_rows))
        run_record = _run_record(name, deployment, scenario, block) | {"files": seal.describe_run(run)}
        seal.write(run / "run.json", json.dumps(run_record))
    record = {
        "format": FORMAT, "experiment": NAME, "profile": NAME, "scale": "small", "seed": 1, "runs": names,
        "status": "complete", "environment": ENVIRONMENT,
        "files": {f"{path.parent.name}/run.json": seal.describe(path) for path in directory.glob("*/run.json")},
    }  # fmt: skip
    seal.write(directory / "experiment.json", json.dumps(record))


def _database() -> duckdb.DuckDBPyConnection:
    """A database in memory that draws the same numbers each time."""
    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    database.execute("SELECT setseed(0.5)")
    return database


def create_run(directory: Path, rows: int) -> None:
    """Write one run of sustained load with `rows` request rows, which belongs to no experiment."""
    database = _database()
    directory.mkdir(parents=True)
    _write_tables(database, directory, rows)
    record = _run_record(directory.name, TUNED, SUSTAINED_100, 0) | {"files": seal.describe_run(directory)}
    seal.write(directory / "run.json", json.dumps(record))


def _write_tables(database: duckdb.DuckDBPyConnection, run: Path, rows: int) -> None:
    """Write the request rows of a run, and its readings."""
    seconds = 1 + rows * ROW_US // 1_000_000
    tables = {STORED: REQUESTS.format(rows=rows)}
    tables |= {f"{name}.parquet": query.format(seconds=seconds) for name, query in READINGS.items()}
    for file, query in tables.items():
        database.execute(f"COPY ({query}) TO '{run / file}' (FORMAT PARQUET, COMPRESSION ZSTD)")


def _run_record(name: str, deployment: str, scenario: str, block: int) -> dict:
    settings = deployments.settings_for(deployment, scale="small").public()
    return {
        "format": FORMAT, "run": name, "experiment": NAME, "block": block, "position": 0, "replicate": False,
        "seed": 1, "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:01:00.000Z", "status": "complete",
        "valid": True, "deployment": {"name": deployment, "settings": settings},
        "scenario": scenarios.find(scenario).record(), "reasons": [], "environment": ENVIRONMENT,
        "dataset": {"scale": "small"}, "gates": [], "generator": {"cpu_ms": 1000.0}, "counters": {}, "health": {},
    }  # fmt: skip
