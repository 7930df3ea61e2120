"""Tables of request rows: one row for each run, for each endpoint of a run, for each endpoint of an arm.

They are made of mergeable frames (`request_frames`): sums and counts of integer microseconds, so that they are the same
to the last digit whichever engine computed these, and in which parts. Times are in ms. Latency (from the actual send)
and response time (`response_*`, from the intended send) are of the successful responses; a column that is of all
requests says so in its name (`all_*`). Quantiles of the response time are of open load only, but for its p95 by
endpoint. A statistic that reaches into dropped arrivals is infinity: `omitted_requests` has the rule. `max_ms` stays
the largest that was observed, and `sent_mean_ms` the mean of what was sent.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from . import endpoints, failures, omitted_requests
from .request_frames import CACHE_OUTCOMES, SPLIT, TAIL
from .request_rows import RequestRows
from .request_schema import MEASURE, WARM_UP
from .row_source import MARKS
from .value_counts import ValueCounts, Values

TAIL_ENDS = (0.90, 0.99)  # the quantiles of latency between which requests form the tail
QUANTILES = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
RESPONSE_QUANTILES = {f"response_{name}": quantile for name, quantile in QUANTILES.items()}
MEANS = ("mean_ms", "response_mean_ms")
SENT_MEANS = ("sent_mean_ms", "sent_response_mean_ms")
READS = "reads"  # the endpoint that stands for all reads together, in tables by arm
_RUN = ", ".join(MARKS)
_READS = f"endpoint IN ({', '.join(repr(endpoint) for endpoint in endpoints.READS)})"
_OF_LOAD = f"phase IN ('{WARM_UP}', '{MEASURE}')"
_MEASURED = f"phase = '{MEASURE}'"
_SUCCESSFUL = f"{_MEASURED} AND ok"
_OF_READS = {"endpoint": endpoints.READS}


def _count(condition: str, column: str = "number") -> str:
    """A number of requests, as SQL over cells."""
    return f"coalesce(sum({column}) FILTER ({condition}), 0)::BIGINT"


def _mean(column: str, condition: str = _SUCCESSFUL) -> str:
    """The mean of a column over the requests that have it, as SQL over cells."""
    return f"sum({column}_sum) FILTER ({condition}) / sum({column}_number) FILTER ({condition})"


_TIMES = f"""
    {_mean("latency")} / 1000 AS mean_ms, min(least_latency) FILTER ({_SUCCESSFUL}) / 1000 AS min_ms,
    max(largest_latency) FILTER ({_SUCCESSFUL}) / 1000 AS max_ms, {_mean("response")} / 1000 AS response_mean_ms,
    max(largest_response) FILTER ({_SUCCESSFUL}) / 1000 AS response_max_ms
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
    sql = f"""
        SELECT {_RUN}, {_count(_OF_LOAD)} AS sent, min(first_us) FILTER ({_OF_LOAD}) / 1000 AS first_ms,
               max(last_us) FILTER ({_OF_LOAD}) / 1000 AS last_ms, {_count("true", "queried")} AS queried,
               {_count(_MEASURED)} AS requests, {_count(_SUCCESSFUL)} AS successful,
               {_count(f"{_MEASURED} AND NOT ok")} AS failures, {_count(_MEASURED, "server_errors")} AS server_errors,
               {_count(_MEASURED, "unanswered")} AS unanswered,
               min(first_us) FILTER ({_MEASURED}) / 1000 AS measured_start_ms,
               (max(last_us) FILTER ({_MEASURED}) - min(first_us) FILTER ({_MEASURED})) / 1000000 AS makespan_s,
               {_mean("latency", _MEASURED)} / 1000 AS all_mean_ms,
               max(largest_response) FILTER ({_MEASURED}) / 1000 AS all_max_ms,
               sum(app_sum) FILTER ({_MEASURED}) / 1000 AS application_ms,
               sum(queue_sum) FILTER ({_MEASURED}) / 1000 AS queue_ms,
               {_mean("latency")} / 1000 AS mean_ms, max(largest_latency) FILTER ({_SUCCESSFUL}) / 1000 AS max_ms,
               {_mean("response")} / 1000 AS response_mean_ms,
               max(largest_response) FILTER ({_SUCCESSFUL}) / 1000 AS response_max_ms,
               {_mean("statements")} AS statements, {_mean("db")} / 1000 AS database_ms
        FROM cells JOIN runs USING (run) GROUP BY {_RUN} HAVING {_count(_MEASURED)} > 0 ORDER BY {_RUN}
    """
    table = rows.answer(sql, cells=rows.cells)
    for name, values in _p95_of_runs(rows).items():
        table[name] = [values.get(run, Values()).quantile_ms(0.95) for run in table["run"]]
    table = failures.with_kinds(table, rows, "run")
    return _runs_with_omitted(table, rows)


def _p95_of_runs(rows: RequestRows) -> dict[str, dict[str, Values]]:
    """The values by run whose p95 a column of `by_run` is."""
    latencies, responses = rows.latencies, rows.response_times.where({"is_open": True})
    return {
        "p95_ms": latencies.by("run"),
        "reads_p95_ms": latencies.where(_OF_READS).by("run"),
        "response_p95_ms": responses.by("run"),
        "response_reads_p95_ms": responses.where(_OF_READS).by("run"),
    }


def by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run, of the measured phase.

    `requests`, `successful`, `failures`, `failure_kinds`, and the requests `omitted` with dropped arrivals; of the
    successful ones latency (`mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms`, `max_ms`), response time
    (`response_mean_ms`, `response_median_ms`, `response_p95_ms`, `response_p99_ms`, `response_max_ms`), `statements`
    and `round_trips`, and the means `app_ms` and of each part (`queue_ms` …); of all requests how many `hashed` a
    password, how many `queried` the database, and how many had each outcome of the cache (`hit`, `stale`, `miss`,
    `none`).
    """
    outcomes = ", ".join(f"{_count(_MEASURED, name)} AS {name}" for name in CACHE_OUTCOMES)
    means = ", ".join(f"{_mean(part)} / 1000 AS {part}_ms" for part in ("app", *SPLIT))
    sql = f"""
        SELECT {_RUN}, endpoint, {_count(_MEASURED)} AS requests, {_count(_SUCCESSFUL)} AS successful,
               {_count(f"{_MEASURED} AND NOT ok")} AS failures, {_count(_MEASURED, "hashed")} AS hashed,
               {_count(_MEASURED, "queried")} AS queried, {outcomes}, {_TIMES},
               {_mean("statements")} AS statements, {_mean("round_trips")} AS round_trips, {means}
        FROM cells JOIN runs USING (run) GROUP BY {_RUN}, endpoint HAVING {_count(_MEASURED)} > 0
        ORDER BY {_RUN}, endpoint
    """
    keys = "run", "endpoint"
    table = _with_quantiles(rows.answer(sql, cells=rows.cells), rows, keys)
    closed = rows.response_times.where({"is_open": False}).by(*keys)
    p95_ms = [
        closed.get(place, Values()).quantile_ms(0.95) for place in zip(table["run"], table["endpoint"], strict=True)
    ]
    table["response_p95_ms"] = table["response_p95_ms"].fillna(pd.Series(p95_ms, index=table.index, dtype=float))
    return _with_omitted(failures.with_kinds(table, rows, *keys), rows, *keys)


def by_arm(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of an arm over all of its runs, and one with the endpoint `reads` for all reads together.

    `requests`, `successful`, `failures`, `failure_kinds` (not of `reads`), `omitted`, latency and response time, named
    as those of `by_endpoint`.
    """
    keys = "deployment", "scenario", "endpoint"
    sql = f"""
        WITH each AS (
            SELECT runs.deployment, runs.scenario, cells.* FROM cells JOIN runs USING (run)
        ), everything AS (
            FROM each UNION ALL SELECT * REPLACE ('{READS}' AS endpoint) FROM each WHERE {_READS}
        )
        SELECT {", ".join(keys)}, {_count(_MEASURED)} AS requests, {_count(_SUCCESSFUL)} AS successful, {_TIMES},
               {_count(f"{_MEASURED} AND NOT ok")} AS failures
        FROM everything GROUP BY {", ".join(keys)} HAVING {_count(_MEASURED)} > 0 ORDER BY {", ".join(keys)}
    """
    table = _with_quantiles(rows.answer(sql, cells=rows.cells), rows, keys)
    return _with_omitted(failures.with_kinds(table, rows, *keys), rows, *keys)


def tail_by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run: `requests` in its tail, and their mean `latency_ms` and parts.

    The tail are the successful requests between the 90th and the 99th percentile of latency of their endpoint and run
    whose application reported its parts.
    """
    ends = [
        (run, endpoint, *(values.quantile_us(quantile) for quantile in TAIL_ENDS))
        for (run, endpoint), values in rows.latencies.by("run", "endpoint").items()
    ]
    limits = pd.DataFrame(ends, columns=["run", "endpoint", "low_us", "high_us"])
    limits = limits.astype({"run": str, "endpoint": str, "low_us": float, "high_us": float})
    means = ", ".join(f"{part}_sum / {part}_number / 1000 AS {part}_ms" for part in ("latency", *SPLIT))
    return rows.answer(
        f"SELECT {_RUN}, endpoint, number AS requests, {means} "
        f"FROM tail JOIN runs USING (run) ORDER BY {_RUN}, endpoint",
        tail=rows.merged(TAIL, {"limits": limits}),
    )


def _with_quantiles(table: pd.DataFrame, rows: RequestRows, keys: tuple[str, ...]) -> pd.DataFrame:
    """The table by these columns with the quantiles of latency, and of the response time of open load."""
    responses = rows.response_times.where({"is_open": True})
    for names, counts in ((QUANTILES, rows.latencies), (RESPONSE_QUANTILES, responses)):
        values = _by(counts, keys)
        groups = [values.get(place, Values()) for place in zip(*(table[key] for key in keys), strict=True)]
        for name, quantile in names.items():
            column = [each.quantile_ms(quantile) for each in groups]
            table[name] = pd.Series(column, index=table.index, dtype=float)
    return table


def _by(counts: ValueCounts, keys: tuple[str, ...]) -> Mapping[Any, Values]:
    """The values by these keys; those of all reads of an arm stand for the endpoint `reads`."""
    values = counts.by(*keys)
    if "run" in keys:
        return values
    reads = counts.where(_OF_READS).by(*keys[:-1])
    return {**values, **{(*arm, READS): each for arm, each in reads.items()}}


def _runs_with_omitted(table: pd.DataFrame, rows: RequestRows) -> pd.DataFrame:
    """The table with `dropped` and `omitted`, and with what reaches into the omitted requests as infinity."""
    dropped = rows.dropped.set_index("run")["dropped"]
    table["dropped"] = table["run"].map(dropped).fillna(0).astype(int)
    table["omitted"] = 0
    table[[*SENT_MEANS]] = table[[*MEANS]]
    if dropped.empty:
        return table
    omitted, values = omitted_requests.by_endpoint(rows), _p95_of_runs(rows)
    for position, run in table.loc[table["dropped"] > 0, "run"].items():
        of_run = omitted[omitted["run"] == run]
        reads = of_run[of_run["endpoint"].isin(endpoints.READS)]
        number, of_reads = (omitted_requests.round_up(each["expected"].sum()) for each in (of_run, reads))
        table.loc[position, "omitted"] = number
        table.loc[position, [*MEANS, "all_max_ms"]] = math.inf
        for name, by_name in values.items():
            of_group = of_reads if "reads" in name else number
            table.loc[position, name] = omitted_requests.quantile_ms(by_name.get(run, Values()), 0.95, of_group)
    return table


def _with_omitted(table: pd.DataFrame, rows: RequestRows, *keys: str) -> pd.DataFrame:
    """The table by these columns with `omitted`, and with what reaches into the omitted requests as infinity."""
    table["omitted"] = 0
    table[[*SENT_MEANS]] = table[[*MEANS]]
    omitted = omitted_requests.by_endpoint(rows)
    reads = omitted[omitted["endpoint"].isin(endpoints.READS)].assign(endpoint=READS)
    numbers = pd.concat([omitted, reads]).groupby(list(keys))["expected"].sum().map(omitted_requests.round_up)
    if numbers.empty:
        return table
    times = [(QUANTILES, _by(rows.latencies, keys)), (RESPONSE_QUANTILES, _by(rows.response_times, keys))]
    for position, row in table.iterrows():
        place = tuple(row[key] for key in keys)
        if number := numbers.get(place, 0):
            table.loc[position, "omitted"] = number
            table.loc[position, list(MEANS)] = math.inf
            for names, values in times:
                for name, quantile in names.items():
                    value = omitted_requests.quantile_ms(values.get(place, Values()), quantile, number)
                    table.loc[position, name] = value
    return table
