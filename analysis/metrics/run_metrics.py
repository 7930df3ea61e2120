"""Tables of one run: latency and failures by endpoint, over time, by phase, and the parts of the time.

Latencies are of successful responses: a failure may be quick or slow for reasons of its own, and stands beside them. A
percentile that reaches into dropped arrivals is infinity. A run without the rows for a table gives an empty one.
"""

from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from workbench import omitted_requests
from workbench.aggregates import SPLIT
from workbench.failures import NO_REASON
from workbench.recording import Run
from workbench.request_schema import MEASURE

QUANTILES = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
OVER_TIME = {"median_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}
INTERVAL_WIDTHS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
MAX_INTERVALS, MIN_REQUESTS = 100, 15
# An event that reports a value that is no duration seems to begin before it was due.
_latencies: WeakKeyDictionary[Run, pd.DataFrame] = WeakKeyDictionary()
_BEGUN = "SELECT *, greatest(start_ms, scheduled_ms) AS begin_ms FROM requests"


def latency_by_endpoint(run: Run) -> pd.DataFrame:
    """Return a row for each endpoint of the measured phase, the most frequent first, and a last one for all together.

    `endpoint` (None for all), `requests`, `failures`, and of the successful responses the latency `median_ms`,
    `p95_ms`, `p99_ms`, `max_ms` and the response time `response_p95_ms`, `response_max_ms` from the intended send; null
    without a successful response. The table of a run is queried once: it sorts all latencies, and a page needs it four
    times.
    """
    if run not in _latencies:
        _latencies[run] = _query_latencies(run)
    return _latencies[run].copy()


def _query_latencies(run: Run) -> pd.DataFrame:
    quantiles = ", ".join(f"quantile_cont(latency_ms, {q}) FILTER (ok) AS {name}" for name, q in QUANTILES.items())
    table = run.rows.query(f"""
        SELECT endpoint, count(*) AS requests, count(*) FILTER (NOT ok) AS failures,
               {quantiles}, max(latency_ms) FILTER (ok) AS max_ms,
               quantile_cont(response_ms, 0.95) FILTER (ok) AS response_p95_ms,
               max(response_ms) FILTER (ok) AS response_max_ms
        FROM measured GROUP BY GROUPING SETS ((endpoint), ()) HAVING count(*) > 0
        ORDER BY grouping(endpoint), requests DESC, endpoint
    """)
    return _with_omitted(table, run)


def _with_omitted(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The table with percentiles that count the requests omitted with dropped arrivals."""
    numbers = omitted_requests.of_run(run.rows)
    if not numbers:
        return table
    latencies, responses = run.rows.latencies, run.rows.response_times
    times = {name: (latencies, quantile) for name, quantile in QUANTILES.items()}
    times["response_p95_ms"] = (responses, 0.95)
    for position, endpoint in table["endpoint"].items():
        name_of_group = endpoint if isinstance(endpoint, str) else None
        group = {} if name_of_group is None else {"endpoint": name_of_group}
        for name, (counts, quantile) in times.items():
            value = omitted_requests.quantile_ms(counts.where(group).all(), quantile, numbers[name_of_group])
            table.loc[position, name] = value
    return table


def failures_by_kind(run: Run) -> pd.DataFrame:
    """Return a row for each kind of failure of each endpoint in the measured phase, the most frequent first.

    `endpoint`, `kind`, `requests`, `share` of the endpoint's requests, and when the first and the last one were sent,
    `first_s` and `last_s` after the first measured request.
    """
    return run.rows.query(f"""
        WITH totals AS (SELECT endpoint, count(*) AS total FROM measured GROUP BY endpoint),
             start AS (SELECT min(begin_ms) AS begin_ms FROM ({_BEGUN}) WHERE phase = '{MEASURE}')
        SELECT endpoint, coalesce(error, '{NO_REASON}') AS kind, count(*) AS requests,
               count(*) / any_value(total) AS share,
               (min(measured.start_ms) - any_value(start.begin_ms)) / 1000 AS first_s,
               (max(measured.start_ms) - any_value(start.begin_ms)) / 1000 AS last_s
        FROM measured JOIN totals USING (endpoint), start
        WHERE NOT ok GROUP BY endpoint, kind ORDER BY requests DESC, endpoint, kind
    """)


def phases(run: Run) -> pd.DataFrame:
    """Return a row for each phase in the order of their first sends.

    `phase`, `requests`, `failures`, `start_s` of the first send and `end_s` of the last response, since the first
    request of the run.
    """
    return run.rows.query(f"""
        WITH begun AS ({_BEGUN})
        SELECT phase, count(*) AS requests, count(*) FILTER (NOT ok) AS failures,
               (min(begin_ms) - (SELECT min(begin_ms) FROM begun)) / 1000 AS start_s,
               (max(start_ms + latency_ms) - (SELECT min(begin_ms) FROM begun)) / 1000 AS end_s
        FROM begun GROUP BY phase ORDER BY start_s, phase
    """)


def over_time(run: Run, width_s: float | None = None) -> tuple[pd.DataFrame, float]:
    """Return the requests of all phases by the time of their send, and the width of an interval in seconds.

    Without a width intervals have at least `MIN_REQUESTS` requests on average.

    A row for each interval: `at_s` of its start since the first request, the rates `successful_rps` and `failed_rps`,
    and of the successful responses their number `successful` and the quantiles `OVER_TIME`. An interval without a
    request has rates of 0. A run without a request gives an empty table.
    """
    bounds = run.rows.query(
        f"SELECT min(begin_ms) AS first_ms, max(begin_ms) AS last_ms, count(*) AS n FROM ({_BEGUN})"
    )
    first_ms, last_ms, requests = bounds.iloc[0]
    if not requests:
        return pd.DataFrame(columns=["at_s", "successful_rps", "failed_rps", "successful", *OVER_TIME]), 0.0
    quantiles = ", ".join(f"quantile_cont(latency_ms, {q}) FILTER (ok) AS {name}" for name, q in OVER_TIME.items())
    width_s = width_s or _interval_width_s((last_ms - first_ms) / 1000, int(requests))
    table = run.rows.query(
        f"""
        SELECT floor((begin_ms - ?) / ?)::BIGINT AS place, count(*) FILTER (ok) / {width_s} AS successful_rps,
               count(*) FILTER (NOT ok) / {width_s} AS failed_rps, count(latency_ms) FILTER (ok) AS successful,
               {quantiles}
        FROM ({_BEGUN}) GROUP BY place ORDER BY place
        """,
        [first_ms, 1000 * width_s],
    ).set_index("place")
    table = table.reindex(range(int(table.index.max()) + 1))
    counted = ["successful_rps", "failed_rps", "successful"]
    table[counted] = table[counted].fillna(0.0)
    return table.reset_index(drop=True).assign(at_s=lambda rows: rows.index * width_s), width_s


def _interval_width_s(span_s: float, requests: int) -> float:
    """The least of `INTERVAL_WIDTHS_S` with at most `MAX_INTERVALS` and a mean of `MIN_REQUESTS` in each."""
    most = min(MAX_INTERVALS, max(1.0, requests / MIN_REQUESTS))
    return next((float(width) for width in INTERVAL_WIDTHS_S if span_s / width <= most), span_s / most)


def percentile_curve(run: Run, endpoint: str | None, points: int = 100) -> pd.DataFrame:
    """Return rows (nines, latency_ms): the quantile `1 - 10**-nines` of the successful latencies of an endpoint.

    None stands for all endpoints. With n responses the curve ends at 1 − 1/n, the last quantile that they support, and
    where it reaches into dropped arrivals; fewer than two give none.
    """
    condition, parameters = ("ok", []) if endpoint is None else ("ok AND endpoint = ?", [endpoint])
    count = run.rows.query(f"SELECT count(latency_us) AS n FROM measured WHERE {condition}", parameters)["n"].iloc[0]
    if count < 2:
        return pd.DataFrame({"nines": [], "latency_ms": []})
    omitted = omitted_requests.of_run(run.rows).get(endpoint, 0)
    nines = np.linspace(0, np.log10(count + omitted), points)
    quantiles = omitted_requests.observed_quantiles(1 - 10**-nines, int(count), omitted)
    nines, quantiles = nines[quantiles <= 1], quantiles[quantiles <= 1]
    latency_ms = run.rows.query(
        f"SELECT unnest(quantile_cont(latency_ms, {quantiles.tolist()})) AS latency_ms FROM measured WHERE {condition}",
        parameters,
    )["latency_ms"]
    return pd.DataFrame({"nines": nines, "latency_ms": latency_ms})


def time_parts(run: Run) -> pd.DataFrame:
    """Return rows (endpoint, requests, part, mean_ms): where the time of the successful responses went.

    Only of requests whose application reported its time (`Server-Timing`) and whose queue is known; the parts add up to
    their mean latency.
    """
    means = ", ".join(f"avg(coalesce({part}_ms, 0)) AS {part}" for part in SPLIT)
    table = run.rows.query(f"""
        SELECT endpoint, count(*) AS requests, {means} FROM measured
        WHERE ok AND app_ms IS NOT NULL AND queue_ms IS NOT NULL AND rest_ms IS NOT NULL
        GROUP BY endpoint ORDER BY requests DESC, endpoint
    """)
    return table.melt(["endpoint", "requests"], list(SPLIT), "part", "mean_ms")
