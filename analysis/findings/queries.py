"""The query of a finding: SQL over the request rows that gives the values behind it, run by run.

`Experiment.rows.query` answers it, and DuckDB on the Parquet files. A finding that rests on readings or settings alone,
and not on request rows, has none.
"""

from collections.abc import Sequence

from workbench.arms import START
from workbench.recording import Run

# By what stands in the id of a finding; the first that fits counts.
EXPRESSIONS = {
    "fault-": "count(*) AS requests, count(*) FILTER (NOT ok) AS failed, max(latency_ms) AS longest_ms",
    "makespan_s": "(max(start_ms + latency_ms) - min(start_ms)) / 1000 AS duration_s",
    "duration": "(max(start_ms + latency_ms) - min(start_ms)) / 1000 AS duration_s",
    "step-": "(max(start_ms + latency_ms) - min(start_ms)) / 1000 AS duration_s",
    "tuned-burst": "(max(start_ms + latency_ms) - min(start_ms)) / 1000 AS duration_s",
    "database_ms": "avg(db_ms) FILTER (ok) AS database_ms",
    "statements": "avg(db_calls) FILTER (ok) AS statements",
    "reads": "quantile_cont(latency_ms, 0.95) FILTER (ok AND endpoint IN ('dashboard', 'search')) AS reads_p95_ms",
    "success": "count(*) FILTER (ok) / count(*) AS success_share",
    "throughput_rps": "count(*) FILTER (ok) / ((max(start_ms + latency_ms) - min(start_ms)) / 1000) AS throughput_rps",
    "requests": "count(*) AS requests",
    "part-": "avg(queue_ms) AS queue_ms, avg(pool_ms) AS pool_ms, avg(db_ms) AS db_ms, avg(hash_ms) AS hash_ms",
}
GENERAL = "endpoint, count(*) AS requests, count(*) FILTER (ok) AS successful, avg(latency_ms) FILTER (ok) AS mean_ms"


def query_of(finding_id: str, runs: Sequence[Run]) -> str:
    """The query of the finding with this id, which rests on these runs; empty without runs."""
    runs = [run for run in runs if run.scenario != START]  # a start has no requests
    if not runs:
        return ""
    expression = next((sql for part, sql in EXPRESSIONS.items() if part in finding_id), GENERAL)
    grouping = "run, endpoint" if expression == GENERAL else "run"
    arms = sorted({(run.deployment, run.scenario) for run in runs})
    chosen = " OR ".join(f"(deployment = '{deployment}' AND scenario = '{scenario}')" for deployment, scenario in arms)
    return f"SELECT run, {expression} FROM measured WHERE {chosen} GROUP BY {grouping} ORDER BY run"
