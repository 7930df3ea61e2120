"""Requests that an open load omitted, because their arrivals were dropped, in percentiles.

An arrival is dropped before its task is chosen, so its endpoint is not known. A dropped arrival would have sent what a
started task sent on average: of endpoint e, and of all endpoints together,

    omitted_e = ⌈ requests_e · dropped / started ⌉        omitted = ⌈ Σ_e requests_e · dropped / started ⌉

    requests_e  requests of endpoint e that tasks of the measured phase sent, those after the end of the load included
    dropped     arrivals of the measured phase that were dropped
    started     tasks of the measured phase that were started; where that is not recorded, Σ_e requests_e

An omitted request counts as slower than everything that was observed. With n observed values and m omitted ones the
quantile q is the value at the rank q·(n + m − 1), counted from 0 and interpolated between neighbours, as it is without
omitted ones; beyond rank n − 1 it is infinity.
"""

import math

import numpy as np
import pandas as pd

from .request_rows import RequestRows
from .request_schema import DRAIN, MEASURE
from .value_counts import Values


def by_endpoint(rows: RequestRows) -> pd.DataFrame:
    """A row for each endpoint of a run with dropped arrivals: `run`, `deployment`, `scenario`, `endpoint`, `omitted`.

    `expected` is the same before it is rounded up.
    """
    dropped = rows.dropped
    names = ["run", "deployment", "scenario", "endpoint", "omitted", "expected"]
    if dropped.empty:
        return pd.DataFrame(columns=names).astype({"omitted": int, "expected": float})
    sql = f"""
        SELECT run, deployment, scenario, endpoint, sum(number)::BIGINT AS requests FROM cells JOIN runs USING (run)
        WHERE phase IN ('{MEASURE}', '{DRAIN}') GROUP BY ALL HAVING count(*) FILTER (phase = '{MEASURE}') > 0
    """
    counts = rows.answer(sql, cells=rows.cells)
    counts = counts.merge(dropped, on="run")
    started = counts["started"].fillna(counts.groupby("run")["requests"].transform("sum"))
    counts["expected"] = counts["requests"] * counts["dropped"] / started
    counts["omitted"] = [round_up(number) for number in counts["expected"]]
    return counts.sort_values(["run", "endpoint"], ignore_index=True)[names]


def of_run(rows: RequestRows) -> dict[str | None, int]:
    """The omitted requests of one run by endpoint, and under None those of all together; empty without any."""
    table = by_endpoint(rows)
    if table.empty:
        return {}
    return {**dict(zip(table["endpoint"], table["omitted"], strict=True)), None: round_up(table["expected"].sum())}


def observed_quantiles(quantiles: np.ndarray, observed: int, omitted: int) -> np.ndarray:
    """The quantiles of all requests as quantiles of the `observed` ones; above 1 where one reaches into the others."""
    return quantiles * (observed + omitted - 1) / max(observed - 1, 1)


def round_up(number: float) -> int:
    """The next integer; the error of a division does not count as a part of a request."""
    return math.ceil(round(number, 9))


def quantile_ms(values: Values, quantile: float, omitted: int) -> float:
    """The quantile (0 to 1) in ms of the values of some rows, and `omitted` more.

    NaN where there is neither, and where a row has no value.
    """
    observed = values.size
    if values.unknown or not observed + omitted:
        return math.nan
    rank = quantile * (observed + omitted - 1)
    if rank > observed - 1:
        return math.inf
    return values.quantile_ms(rank / (observed - 1) if observed > 1 else 0.0)
