"""Tables of request rows: one row for each run, for each endpoint of a run, for each endpoint of an arm.

Each is one pass over the rows, whatever their number, and small itself. Latencies are in ms.
"""

import pandas as pd

from . import endpoints
from .request_rows import RequestRows
from .request_schema import MEASURE, PARTS

SPLIT = ("queue", *PARTS, "rest", "residual")  # they add up to the latency
TAIL = (0.90, 0.99)  # the quantiles of latency between which requests form the tail
QUANTILES = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
CACHE_OUTCOMES = ("hit", "stale", "miss", "none")
_RUN = "run, deployment, scenario, block, replicate"
_READS = ", ".join(f"'{endpoint}'" for endpoint in endpoints.READS)


def by_run(rows: RequestRows) -> pd.DataFrame:
    """A row for each run that measured anything.

    Of all phases: `sent` requests, of which `queried` the database, from `first_ms` to the last response at `last_ms`
    (since the start of the run). Of the measured phase: `requests`, `successful` ones, `server_errors`, `unanswered`,
    `measured_start_ms`, `makespan_s` (from the first send to the last response), `mean_ms`, `p95_ms`, `reads_p95_ms`,
    the mean `statements` and `database_ms` of a request, and the sums `application_ms` and `queue_ms` of all requests.
    """
    return rows.query(f"""
        SELECT {_RUN}, count(*) AS sent, min(start_ms) AS first_ms, max(start_ms + latency_ms) AS last_ms,
               count(*) FILTER (db_calls > 0) AS queried,
               count(*) FILTER (measure) AS requests,
               count(*) FILTER (measure AND ok) AS successful,
               count(*) FILTER (measure AND status >= 500) AS server_errors,
               count(*) FILTER (measure AND status IS NULL) AS unanswered,
               min(start_ms) FILTER (measure) AS measured_start_ms,
               (max(start_ms + latency_ms) FILTER (measure) - min(start_ms) FILTER (measure)) / 1000 AS makespan_s,
               avg(latency_ms) FILTER (measure) AS mean_ms,
               quantile_cont(latency_us, 0.95) FILTER (measure) / 1000 AS p95_ms,
               quantile_cont(latency_us, 0.95) FILTER (measure AND endpoint IN ({_READS})) / 1000 AS reads_p95_ms,
               avg(db_calls) FILTER (measure) AS statements,
               avg(db_ms) FILTER (measure) AS database_ms,
               sum(app_ms) FILTER (measure) AS application_ms,
               sum(queue_ms) FILTER (measure) AS queue_ms
        FROM (SELECT *, phase = '{MEASURE}' AS measure FROM requests)
        GROUP BY {_RUN} HAVING count(*) FILTER (measure) > 0 ORDER BY {_RUN}
    """)


def by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run, of the measured phase.

    `requests`, `successful`, latency (`mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms`, `max_ms`),
    `response_p95_ms` from the intended send, `statements` and `round_trips` of a successful request, how many `hashed`
    a password and how many `queried` the database, requests by outcome of the cache (`hit`, `stale`, `miss`, `none`),
    and the means `app_ms` and of each part (`queue_ms` …).
    """
    outcomes = ", ".join(f"count(*) FILTER (cache = '{name}') AS {name}" for name in CACHE_OUTCOMES)
    table = rows.query(f"""
        SELECT {_RUN}, endpoint, count(*) AS requests, count(*) FILTER (ok) AS successful, avg(latency_ms) AS mean_ms,
               quantile_cont(latency_us, {list(QUANTILES.values())}) AS quantiles, min(latency_ms) AS min_ms,
               max(latency_ms) AS max_ms, quantile_cont(response_us, 0.95) / 1000 AS response_p95_ms,
               avg(db_calls) FILTER (ok) AS statements, avg(db_round_trips) FILTER (ok) AS round_trips,
               count(*) FILTER (hash_ms > 0) AS hashed, count(*) FILTER (db_calls > 0) AS queried,
               {outcomes}, avg(app_ms) AS app_ms, {", ".join(f"avg({part}_ms) AS {part}_ms" for part in SPLIT)}
        FROM measured GROUP BY {_RUN}, endpoint ORDER BY {_RUN}, endpoint
    """)
    return _with_quantile_columns(table)


def by_arm(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of an arm over all of its runs, and one with the endpoint `reads` for all reads together.

    `requests` and latency: `mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms`, `max_ms`.
    """
    table = rows.query(f"""
        SELECT deployment, scenario, endpoint, count(*) AS requests,
               avg(latency_us) / 1000 AS mean_ms, quantile_cont(latency_us, {list(QUANTILES.values())}) AS quantiles,
               min(latency_us) / 1000 AS min_ms, max(latency_us) / 1000 AS max_ms
        FROM (SELECT deployment, scenario, endpoint, latency_us FROM measured UNION ALL
              SELECT deployment, scenario, 'reads', latency_us FROM measured WHERE endpoint IN ({_READS}))
        GROUP BY deployment, scenario, endpoint ORDER BY deployment, scenario, endpoint
    """)
    return _with_quantile_columns(table)


def tail_by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run: `requests` in its tail, and their mean `latency_ms` and parts.

    The tail are the requests between the 90th and the 99th percentile of latency of their endpoint and run whose
    application reported its parts.
    """
    means = ", ".join(f"avg({name}_ms) AS {name}_ms" for name in ("latency", *SPLIT))
    low, high = TAIL
    return rows.query(f"""
        WITH limits AS (
            SELECT run, endpoint, quantile_cont(latency_us, [{low}, {high}]) AS ends
            FROM measured GROUP BY run, endpoint
        )
        SELECT {_RUN}, endpoint, count(*) AS requests, {means}
        FROM measured JOIN limits USING (run, endpoint)
        WHERE latency_us BETWEEN ends[1] AND ends[2] AND app_ms IS NOT NULL AND queue_ms IS NOT NULL
        GROUP BY {_RUN}, endpoint ORDER BY {_RUN}, endpoint
    """)


def _with_quantile_columns(table: pd.DataFrame) -> pd.DataFrame:
    """A column in ms for each quantile, in place of the column with the list of them in µs."""
    for place, name in enumerate(QUANTILES):
        table[name] = [values[place] / 1000 for values in table["quantiles"]]
    return table.drop(columns="quantiles")
