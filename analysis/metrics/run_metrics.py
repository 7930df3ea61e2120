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
from workbench.value_counts import Values

QUANTILES = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
OVER_TIME = {"median_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}
INTERVAL_WIDTHS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
MAX_INTERVALS, MIN_REQUESTS = 100, 15
_latencies: WeakKeyDictionary[Run, pd.DataFrame] = WeakKeyDictionary()
# An event that reports a value that is no duration seems to begin before it was due.
_BEGIN_US = "greatest(start_us, scheduled_us)"


def latency_by_endpoint(run: Run) -> pd.DataFrame:
    """Return a row for each endpoint of the measured phase, the most frequent first, and a last one for all together.

    `endpoint` (None for all), `requests`, `failures`, and of the successful responses the latency `median_ms`,
    `p95_ms`, `p99_ms`, `max_ms` and the response time `response_p95_ms`, `response_max_ms` from the intended send; null
    without a successful response. The table of a run is made once: a page needs it four times.
    """
    if run not in _latencies:
        _latencies[run] = _latencies_of(run)
    return _latencies[run].copy()


def _latencies_of(run: Run) -> pd.DataFrame:
    rows = run.rows
    table = rows.answer(
        f"""
        SELECT endpoint, sum(number)::BIGINT AS requests, coalesce(sum(number) FILTER (NOT ok), 0)::BIGINT AS failures,
               max(largest_latency) FILTER (ok) / 1000 AS max_ms,
               max(largest_response) FILTER (ok) / 1000 AS response_max_ms
        FROM cells WHERE phase = '{MEASURE}' GROUP BY GROUPING SETS ((endpoint), ()) HAVING sum(number) > 0
        ORDER BY grouping(endpoint), requests DESC, endpoint
        """,
        cells=rows.cells,
    )
    omitted = omitted_requests.of_run(rows)
    for counts, names in ((rows.latencies, QUANTILES), (rows.response_times, {"response_p95_ms": 0.95})):
        groups = [(counts.where(_only(name)).all(), omitted.get(name)) for name in _endpoints(table)]
        for name, quantile in names.items():
            column = [_quantile_ms(values, quantile, number) for values, number in groups]
            table[name] = pd.Series(column, index=table.index, dtype=float)
    return table[["endpoint", "requests", "failures", *QUANTILES, "max_ms", "response_p95_ms", "response_max_ms"]]


def _endpoints(table: pd.DataFrame) -> list[str | None]:
    """The endpoint of each row; None for all together."""
    return [name if isinstance(name, str) else None for name in table["endpoint"]]


def _only(endpoint: str | None) -> dict[str, str]:
    """The condition for the rows of an endpoint, or of all."""
    return {} if endpoint is None else {"endpoint": endpoint}


def _quantile_ms(values: Values, quantile: float, omitted: int | None) -> float:
    """A quantile of the values, and of the requests omitted with dropped arrivals where there are any."""
    return values.quantile_ms(quantile) if omitted is None else omitted_requests.quantile_ms(values, quantile, omitted)


def failures_by_kind(run: Run) -> pd.DataFrame:
    """Return a row for each kind of failure of each endpoint in the measured phase, the most frequent first.

    `endpoint`, `kind`, `requests`, `share` of the endpoint's requests, and when the first and the last one were sent,
    `first_s` and `last_s` after the first measured request.
    """
    failed = run.rows.query(f"""
        SELECT endpoint, coalesce(error, '{NO_REASON}') AS kind, count(*) AS requests,
               min(start_us) AS first_us, max(start_us) AS last_us
        FROM requests_us WHERE phase = '{MEASURE}' AND NOT ok GROUP BY ALL
    """)
    return run.rows.answer(
        f"""
        WITH measured AS (FROM cells WHERE phase = '{MEASURE}'),
             totals AS (SELECT endpoint, sum(number) AS total FROM measured GROUP BY endpoint),
             beginning AS (SELECT min(first_us) AS begin_us FROM measured)
        SELECT endpoint, kind, requests, requests / total AS share,
               (failed.first_us - begin_us) / 1e6 AS first_s, (failed.last_us - begin_us) / 1e6 AS last_s
        FROM failed JOIN totals USING (endpoint), beginning ORDER BY requests DESC, endpoint, kind
        """,
        failed=failed,
        cells=run.rows.cells,
    )


def phases(run: Run) -> pd.DataFrame:
    """Return a row for each phase in the order of their first sends.

    `phase`, `requests`, `failures`, `start_s` of the first send and `end_s` of the last response, since the first
    request of the run.
    """
    return run.rows.answer(
        """
        SELECT phase, sum(number)::BIGINT AS requests, coalesce(sum(number) FILTER (NOT ok), 0)::BIGINT AS failures,
               (min(first_us) - (SELECT min(first_us) FROM cells)) / 1e6 AS start_s,
               (max(last_us) - (SELECT min(first_us) FROM cells)) / 1e6 AS end_s
        FROM cells GROUP BY phase ORDER BY start_s, phase
        """,
        cells=run.rows.cells,
    )


def over_time(run: Run, width_s: float | None = None) -> tuple[pd.DataFrame, float]:
    """Return the requests of all phases by the time of their send, and the width of an interval in seconds.

    Without a width intervals have at least `MIN_REQUESTS` requests on average.

    A row for each interval: `at_s` of its start since the first request, the rates `successful_rps` and `failed_rps`,
    and of the successful responses their number `successful` and the quantiles `OVER_TIME`. An interval without a
    request has rates of 0. A run without a request gives an empty table.
    """
    bounds = run.rows.answer(
        "SELECT min(first_us) AS first_us, max(last_begin_us) AS last_us, coalesce(sum(number), 0) AS n FROM cells",
        cells=run.rows.cells,
    )
    first_us, last_us, requests = bounds.iloc[0]
    if not requests:
        return pd.DataFrame(columns=["at_s", "successful_rps", "failed_rps", "successful", *OVER_TIME]), 0.0
    width_s = width_s or _interval_width_s((last_us - first_us) / 1e6, int(requests))
    quantiles = ", ".join(f"quantiles[{place}] / 1000 AS {name}" for place, name in enumerate(OVER_TIME, 1))
    table = run.rows.query(
        f"""
        WITH intervals AS (
            SELECT floor(({_BEGIN_US} - ?) / ?)::BIGINT AS place, count(*) FILTER (ok) AS successes,
                   count(*) FILTER (NOT ok) AS failures, count(latency_us) FILTER (ok) AS successful,
                   quantile_cont(latency_us, {list(OVER_TIME.values())}) FILTER (ok) AS quantiles
            FROM requests_us GROUP BY place
        )
        SELECT place, successes / {width_s} AS successful_rps, failures / {width_s} AS failed_rps, successful,
               {quantiles}
        FROM intervals ORDER BY place
        """,
        [int(first_us), 1e6 * width_s],
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
    values = run.rows.latencies.where(_only(endpoint)).all()
    if values.size < 2:
        return pd.DataFrame({"nines": [], "latency_ms": []})
    omitted = omitted_requests.of_run(run.rows).get(endpoint, 0)
    nines = np.linspace(0, np.log10(values.size + omitted), points)
    quantiles = omitted_requests.observed_quantiles(1 - 10**-nines, values.size, omitted)
    nines, quantiles = nines[quantiles <= 1], quantiles[quantiles <= 1]
    return pd.DataFrame({"nines": nines, "latency_ms": [values.quantile_ms(quantile) for quantile in quantiles]})


def time_parts(run: Run) -> pd.DataFrame:
    """Return rows (endpoint, requests, part, mean_ms): where the time of the successful responses went.

    Only of requests whose application reported its time (`Server-Timing`) and whose queue is known; the parts add up to
    their mean latency.
    """
    means = ", ".join(f"coalesce(sum({part}_sum), 0) / sum(number) / 1000 AS {part}" for part in SPLIT)
    table = run.rows.answer(
        f"""
        SELECT endpoint, sum(number)::BIGINT AS requests, {means} FROM cells
        WHERE phase = '{MEASURE}' AND ok AND has_split GROUP BY endpoint ORDER BY requests DESC, endpoint
        """,
        cells=run.rows.cells,
    )
    return table.melt(["endpoint", "requests"], list(SPLIT), "part", "mean_ms")
