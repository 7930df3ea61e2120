"""Percentiles of a run by endpoint, beside its requests and failures: the table of `python -m analysis show`."""

import math

import numpy as np
import pandas as pd

from workbench import display, failures, imported, omitted_requests
from workbench.recording import Run

QUANTILES = (0.5, 0.95, 0.99, 0.999)
TIMES = {"latency": "latency_us", "response": "response_us"}
ALL = "(all)"  # the row of all endpoints together, which a run with one endpoint does not need
DIGITS = 1


def percentile_table(run: Run) -> pd.DataFrame:
    """A row for each endpoint of a run, and one for all of them: requests, failures, and percentiles (ms).

    Percentiles are of the successful responses, of latency and of response time; they are text where one reaches into
    dropped arrivals. `failures by kind` is the last column, where anything failed.
    """
    by_endpoint = _observed(run, "endpoint")
    of_all = [_observed(run, f"'{ALL}' AS endpoint")] if len(by_endpoint) > 1 else []
    table = pd.concat([by_endpoint, *of_all]).set_index("endpoint")
    _count_omitted(table, run)
    shown = table[["requests", "failures"]].astype(int)
    for name in TIMES:
        for quantile in QUANTILES:
            shown[_column(name, quantile)] = _shown(table, name, quantile)
    if not imported.knows(run.record, imported.FAILURES):
        shown["failures"] = display.DASH
    elif shown["failures"].any():
        kinds = failures.kinds_by(run.rows, "endpoint")["failure_kinds"]
        kinds[ALL] = failures.kinds_by(run.rows, "run")["failure_kinds"].iloc[0]
        shown["failures by kind"] = [kinds.get(endpoint, display.DASH) for endpoint in shown.index]
    return shown


def _column(name: str, quantile: float) -> str:
    return f"{name} p{100 * quantile:g}"


def _observed(run: Run, group: str) -> pd.DataFrame:
    """Counts, percentiles and the largest times of the successful responses, as observed."""
    times = [
        f'quantile_cont({column}, {quantile}) FILTER (ok) / 1000 AS "{_column(name, quantile)}"'
        for name, column in TIMES.items()
        for quantile in QUANTILES
    ]
    largest = [f'max({column}) FILTER (ok) / 1000 AS "{name} max"' for name, column in TIMES.items()]
    return run.rows.query(
        f"SELECT {group}, count(*) AS requests, count(*) FILTER (NOT ok) AS failures, {', '.join([*times, *largest])} "
        "FROM measured GROUP BY 1 ORDER BY 1"
    )


def _count_omitted(table: pd.DataFrame, run: Run) -> None:
    """Replace the percentiles by those in which dropped arrivals count as slower than everything observed."""
    numbers = omitted_requests.of_run(run.rows)
    if not numbers:
        return
    counts = {"latency": run.rows.latencies, "response": run.rows.response_times}
    for endpoint in table.index:
        name_of_group = None if endpoint == ALL else str(endpoint)
        group = {} if name_of_group is None else {"endpoint": name_of_group}
        for name in TIMES:
            values = counts[name].where(group).all()
            for quantile in QUANTILES:
                value = omitted_requests.quantile_ms(values, quantile, numbers[name_of_group])
                table.loc[endpoint, _column(name, quantile)] = value


def _shown(table: pd.DataFrame, name: str, quantile: float) -> pd.Series:
    """One column of percentiles, rounded; as text where one is infinity."""
    values, largest = table[_column(name, quantile)].astype(float), table[f"{name} max"]
    if not np.isinf(values).any():
        return values.round(DIGITS)
    pairs = zip(values, largest.fillna(math.nan), strict=True)
    return pd.Series([display.bounded_text(*pair, DIGITS) for pair in pairs], index=table.index)
