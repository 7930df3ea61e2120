"""Tables of request rows: one row for each run, for each endpoint of a run, for each endpoint of an arm.

Each is one pass over the rows, whatever their number, and small itself. Times are in ms. Latency (from the actual send)
and response time (`response_*`, from the intended send) are of the successful responses; a column that is of all
requests says so in its name (`all_*`). Quantiles of the response time are of open load only, but for its p95 by
endpoint. A statistic that reaches into dropped arrivals is infinity: `omitted_requests` has the rule. `max_ms` stays
the largest that was observed, and `sent_mean_ms` the mean of what was sent.
"""

import math

import numpy as np
import pandas as pd

from . import endpoints, failures, omitted_requests
from .omitted_requests import Group
from .request_rows import RequestRows
from .request_schema import LOOP, MEASURE, PARTS, WARM_UP

SPLIT = ("queue", *PARTS, "rest", "residual")  # they add up to the latency
# Where the wait for the loop was not measured it is in the other parts, and they add up without it.
_SPLIT_MS = {part: f"{part}_ms" for part in SPLIT} | {LOOP: f"coalesce({LOOP}_ms, 0 * rest_ms)"}
TAIL = (0.90, 0.99)  # the quantiles of latency between which requests form the tail
QUANTILES = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
RESPONSE_QUANTILES = {f"response_{name}": quantile for name, quantile in QUANTILES.items()}
MEANS = ("mean_ms", "response_mean_ms")
SENT_MEANS = ("sent_mean_ms", "sent_response_mean_ms")
CACHE_OUTCOMES = ("hit", "stale", "miss", "none")
READS = "reads"  # the endpoint that stands for all reads together, in tables by arm
_RUN = "run, deployment, scenario, block, replicate"
_READS = f"endpoint IN ({', '.join(repr(endpoint) for endpoint in endpoints.READS)})"
_BEGIN_MS = "greatest(start_ms, scheduled_ms)"  # see `machine_watch.begin_us`
_OF_LOAD = f"phase IN ('{WARM_UP}', '{MEASURE}')"
_P95_OF_RUNS = {
    "p95_ms": ("latency_us", "true"),
    "reads_p95_ms": ("latency_us", _READS),
    "response_p95_ms": ("response_us", "is_open"),
    "response_reads_p95_ms": ("response_us", f"is_open AND {_READS}"),
}
# Successes have a query of their own: a filter of each column takes twice the time.
_RUN_SUCCESSES = f"""
    avg(latency_us) / 1000 AS mean_ms, max(latency_us) / 1000 AS max_ms,
    avg(response_us) / 1000 AS response_mean_ms, max(response_us) / 1000 AS response_max_ms,
    avg(db_calls) AS statements, avg(db_ms) AS database_ms,
    {
    ", ".join(
        f"quantile_cont({column}, 0.95) FILTER ({condition}) / 1000 AS {name}"
        for name, (column, condition) in _P95_OF_RUNS.items()
    )
}
"""
_TIMES = f"""
    avg(latency_us) / 1000 AS mean_ms, min(latency_us) / 1000 AS min_ms, max(latency_us) / 1000 AS max_ms,
    quantile_cont(latency_us, {list(QUANTILES.values())}) AS quantiles,
    avg(response_us) / 1000 AS response_mean_ms, max(response_us) / 1000 AS response_max_ms,
    quantile_cont(response_us, {list(QUANTILES.values())}) FILTER (is_open) AS response_quantiles
"""


def by_run(rows: RequestRows) -> pd.DataFrame:
    """A row for each run that measured anything.

    Of the load, which is warm-up and measured phase: `sent` requests from `first_ms` to the last response at `last_ms`
    (since the start of the run). Of all phases: how many requests `queried` the database. Of the measured phase:
    `requests`, `successful` ones, `failures`, `failure_kinds`, `dropped` arrivals and the requests `omitted` with them,
    `server_errors`, `unanswered`, `measured_start_ms`, `makespan_s` (from the first send to the last response); of the
    successful ones latency (`mean_ms`, `p95_ms`, `max_ms`, `reads_p95_ms`), response time (`response_mean_ms`,
    `response_p95_ms`, `response_max_ms`, `response_reads_p95_ms`), and the means `statements` and `database_ms`; of
    all requests `all_mean_ms` (latency), `all_max_ms` (response time), and the sums `application_ms` and `queue_ms`.
    """
    table = rows.query(f"""
        WITH totals AS (
            SELECT {_RUN}, count(*) FILTER ({_OF_LOAD}) AS sent, min({_BEGIN_MS}) FILTER ({_OF_LOAD}) AS first_ms,
                   max(start_ms + latency_ms) FILTER ({_OF_LOAD}) AS last_ms, count(*) FILTER (db_calls > 0) AS queried
            FROM requests GROUP BY {_RUN}
        ), everything AS (
            SELECT run, count(*) AS requests, count(*) FILTER (ok) AS successful, count(*) FILTER (NOT ok) AS failures,
                   count(*) FILTER (status >= 500) AS server_errors, count(*) FILTER (status IS NULL) AS unanswered,
                   min({_BEGIN_MS}) AS measured_start_ms,
                   (max(start_ms + latency_ms) - min({_BEGIN_MS})) / 1000 AS makespan_s,
                   avg(latency_ms) AS all_mean_ms, max(response_ms) AS all_max_ms,
                   sum(app_ms) AS application_ms, sum(queue_ms) AS queue_ms
            FROM measured GROUP BY run
        ), successes AS (SELECT run, {_RUN_SUCCESSES} FROM measured WHERE ok GROUP BY run)
        SELECT * FROM totals JOIN everything USING (run) LEFT JOIN successes USING (run) ORDER BY {_RUN}
    """)
    table = failures.with_kinds(table, rows, "run")
    return _runs_with_omitted(table, rows)


def by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run, of the measured phase.

    `requests`, `successful`, `failures`, `failure_kinds`, and the requests `omitted` with dropped arrivals; of the
    successful ones latency (`mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms`, `max_ms`), response time
    (`response_mean_ms`, `response_median_ms`, `response_p95_ms`, `response_p99_ms`, `response_max_ms`), `statements`
    and `round_trips`, and the means `app_ms` and of each part (`queue_ms` …); of all requests how many `hashed` a
    password, how many `queried` the database, and how many had each outcome of the cache (`hit`, `stale`, `miss`,
    `none`).
    """
    outcomes = ", ".join(f"count(*) FILTER (cache = '{name}') AS {name}" for name in CACHE_OUTCOMES)
    means = ", ".join(f"avg({part}) AS {name}_ms" for name, part in {"app": "app_ms", **_SPLIT_MS}.items())
    table = rows.query(f"""
        WITH everything AS (
            SELECT {_RUN}, endpoint, count(*) AS requests, count(*) FILTER (ok) AS successful,
                   count(*) FILTER (NOT ok) AS failures, count(*) FILTER (hash_ms > 0) AS hashed,
                   count(*) FILTER (db_calls > 0) AS queried, {outcomes}
            FROM measured GROUP BY {_RUN}, endpoint
        ), successes AS (
            SELECT run, endpoint, {_TIMES},
                   quantile_cont(response_us, 0.95) FILTER (NOT is_open) / 1000 AS closed_p95_ms,
                   avg(db_calls) AS statements, avg(db_round_trips) AS round_trips, {means}
            FROM measured WHERE ok GROUP BY run, endpoint
        )
        SELECT * FROM everything LEFT JOIN successes USING (run, endpoint) ORDER BY {_RUN}, endpoint
    """)
    table = _with_quantile_columns(table)
    table["response_p95_ms"] = table["response_p95_ms"].fillna(table.pop("closed_p95_ms"))
    table = failures.with_kinds(table, rows, "run", "endpoint")
    return _with_omitted(table, rows, "run", "endpoint")


def by_arm(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of an arm over all of its runs, and one with the endpoint `reads` for all reads together.

    `requests`, `successful`, `failures`, `failure_kinds` (not of `reads`), `omitted`, latency and response time, named
    as those of `by_endpoint`.
    """
    names = "deployment, scenario, endpoint, is_open, latency_us, response_us"
    table = rows.query(f"""
        WITH each AS (
            SELECT deployment, scenario, endpoint, count(*) AS requests, count(*) FILTER (ok) AS successful
            FROM measured GROUP BY ALL
        ), everything AS (
            FROM each UNION ALL
            SELECT deployment, scenario, '{READS}', sum(requests)::BIGINT, sum(successful)::BIGINT
            FROM each WHERE {_READS} GROUP BY ALL
        ), successes AS (
            SELECT deployment, scenario, endpoint, {_TIMES}
            FROM (SELECT {names} FROM measured WHERE ok UNION ALL
                  SELECT {names.replace("endpoint", f"'{READS}'")} FROM measured WHERE ok AND {_READS})
            GROUP BY deployment, scenario, endpoint
        )
        SELECT *, requests - successful AS failures
        FROM everything LEFT JOIN successes USING (deployment, scenario, endpoint)
        ORDER BY deployment, scenario, endpoint
    """)
    keys = "deployment", "scenario", "endpoint"
    return _with_omitted(failures.with_kinds(_with_quantile_columns(table), rows, *keys), rows, *keys)


def tail_by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run: `requests` in its tail, and their mean `latency_ms` and parts.

    The tail are the successful requests between the 90th and the 99th percentile of latency of their endpoint and run
    whose application reported its parts.
    """
    means = ", ".join(f"avg({part}) AS {name}_ms" for name, part in {"latency": "latency_ms", **_SPLIT_MS}.items())
    low, high = TAIL
    return rows.query(f"""
        WITH limits AS (
            SELECT run, endpoint, quantile_cont(latency_us, [{low}, {high}]) AS ends
            FROM measured WHERE ok GROUP BY run, endpoint
        )
        SELECT {_RUN}, endpoint, count(*) AS requests, {means}
        FROM measured JOIN limits USING (run, endpoint)
        WHERE ok AND latency_us BETWEEN ends[1] AND ends[2] AND app_ms IS NOT NULL AND queue_ms IS NOT NULL
        GROUP BY {_RUN}, endpoint ORDER BY {_RUN}, endpoint
    """)


def _with_quantile_columns(table: pd.DataFrame) -> pd.DataFrame:
    """A column in ms for each quantile, in place of the columns with lists of them in µs; NaN without a success."""
    for column, quantiles in (("quantiles", QUANTILES), ("response_quantiles", RESPONSE_QUANTILES)):
        for place, name in enumerate(quantiles):
            values = [entry[place] / 1000 if isinstance(entry, np.ndarray) else math.nan for entry in table[column]]
            table[name] = pd.Series(values, index=table.index, dtype=float)
    return table.drop(columns=["quantiles", "response_quantiles"])


def _runs_with_omitted(table: pd.DataFrame, rows: RequestRows) -> pd.DataFrame:
    """The table with `dropped` and `omitted`, and with what reaches into the omitted requests as infinity."""
    dropped = rows.dropped.set_index("run")["dropped"]
    table["dropped"] = table["run"].map(dropped).fillna(0).astype(int)
    table["omitted"] = 0
    table[[*SENT_MEANS]] = table[[*MEANS]]
    if dropped.empty:
        return table
    omitted = omitted_requests.by_endpoint(rows)
    for position, run in table.loc[table["dropped"] > 0, "run"].items():
        of_run = omitted[omitted["run"] == run]
        reads = of_run[of_run["endpoint"].isin(endpoints.READS)]
        number, of_reads = (omitted_requests.round_up(each["expected"].sum()) for each in (of_run, reads))
        table.loc[position, "omitted"] = number
        table.loc[position, [*MEANS, "all_max_ms"]] = math.inf
        for name, (column, condition) in _P95_OF_RUNS.items():
            group = Group(f"run = ? AND {condition}", (run,))
            of_group = of_reads if _READS in condition else number
            table.loc[position, name] = omitted_requests.quantile_ms(rows, column, 0.95, of_group, group)
    return table


def _with_omitted(table: pd.DataFrame, rows: RequestRows, *keys: str) -> pd.DataFrame:
    """The table by these columns with `omitted`, and with what reaches into the omitted requests as infinity."""
    table["omitted"] = 0
    table[[*SENT_MEANS]] = table[[*MEANS]]
    omitted = omitted_requests.by_endpoint(rows)
    reads = omitted[omitted["endpoint"].isin(endpoints.READS)].assign(endpoint=READS)
    numbers = pd.concat([omitted, reads]).groupby(list(keys))["expected"].sum().map(omitted_requests.round_up)
    for position, row in table.iterrows():
        values = tuple(row[key] for key in keys)
        if number := numbers.get(values, 0):
            table.loc[position, "omitted"] = number
            table.loc[position, list(MEANS)] = math.inf
            group = _group(keys, values)
            for names, column in ((QUANTILES, "latency_us"), (RESPONSE_QUANTILES, "response_us")):
                for name, quantile in names.items():
                    table.loc[position, name] = omitted_requests.quantile_ms(rows, column, quantile, number, group)
    return table


def _group(keys: tuple[str, ...], values: tuple[str, ...]) -> Group:
    """The rows with these values; the endpoint `reads` of an arm stands for all reads."""
    if "run" not in keys and values[-1] == READS:
        conditions = [*(f"{key} = ?" for key in keys[:-1]), _READS]
        return Group(" AND ".join(conditions), values[:-1])
    return Group(" AND ".join(f"{key} = ?" for key in keys), values)
