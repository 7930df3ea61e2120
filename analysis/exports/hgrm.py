"""`.hgrm`: the percentiles of a run's times as text, as HdrHistogram and wrk2 print them.

It is made of the exact counts of each microsecond. A line of the distribution has

    value (ms)   percentile (0 to 1)   number of responses up to the value   1/(1 − percentile)

The percentiles are those of HdrHistogram's percentile iterator with 5 ticks in each half distance: from percentile p
(in percent) it goes on by 100/(5·2^k) with k = ⌊log₂(100/(100 − p))⌋ + 1. The value of a percentile is the smallest one
that at least that share of all responses does not exceed.
"""

import math
from collections.abc import Iterator

import numpy as np

from workbench import omitted_requests
from workbench.errors import UserError
from workbench.recording import Run

TICKS_PER_HALF_DISTANCE = 5
TIMES = {"latency": "latency_us", "response": "response_us"}


def hgrm_lines(run: Run, endpoint: str | None = None, time: str = "latency") -> Iterator[str]:
    """Yield the lines for the successful responses of the measured phase, of one endpoint or of all together.

    `time` is a key of `TIMES`. Requests that dropped arrivals omitted count as slower than everything observed: the
    lines end before the first percentile that reaches them, and mean and maximum are infinite. Raises `UserError`
    without a successful response.
    """
    values_us, counts = _counts(run, endpoint, TIMES[time])
    omitted = omitted_requests.of_run(run.rows).get(endpoint, 0)
    yield f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}"
    yield ""
    yield from _distribution(values_us / 1000, np.cumsum(counts), int(counts.sum()) + omitted)
    yield from _summary(values_us / 1000, counts, omitted)


def _counts(run: Run, endpoint: str | None, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values in µs, in ascending order, and how often each one occurs."""
    condition, parameters = ("true", []) if endpoint is None else ("endpoint = ?", [endpoint])
    table = run.rows.query(
        f"SELECT {column} AS value, count(*) AS responses FROM measured "
        f"WHERE ok AND {column} IS NOT NULL AND {condition} GROUP BY value ORDER BY value",
        parameters,
    )
    if table.empty:
        place = f" to {endpoint!r}" if endpoint is not None else ""
        names = run.rows.query("SELECT DISTINCT endpoint FROM measured ORDER BY endpoint")["endpoint"]
        listed = f"; measured endpoints: {', '.join(names)}" if len(names) else ""
        raise UserError(f"{run.name} has no successful measured response{place}{listed}")
    return table["value"].to_numpy(np.int64), table["responses"].to_numpy(np.int64)


def _distribution(values_ms: np.ndarray, cumulative: np.ndarray, total: int) -> Iterator[str]:
    percentages = 100.0 * cumulative / total
    level, last = 0.0, len(values_ms) - 1
    while level <= percentages[last]:
        place = int(np.searchsorted(percentages, level))
        share = level / 100
        yield f"{values_ms[place]:12.3f} {share:.12f} {cumulative[place]:10d} {1 / (1 - share):14.2f}"
        if place == last:
            break
        level += 100.0 / (TICKS_PER_HALF_DISTANCE * 2 ** (math.floor(math.log2(100.0 / (100.0 - level))) + 1))
    if cumulative[last] == total:
        yield f"{values_ms[last]:12.3f} {1:.12f} {total:10d} {'inf':>14}"


def _summary(values_ms: np.ndarray, counts: np.ndarray, omitted: int) -> Iterator[str]:
    """Three lines; each distinct microsecond is a bucket of its own."""
    observed = int(counts.sum())
    mean, largest = float((values_ms * counts).sum() / observed), float(values_ms[-1])
    deviation = math.sqrt(float((counts * (values_ms - mean) ** 2).sum() / observed))
    if omitted:
        mean = deviation = largest = math.inf
    yield f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]"
    yield f"#[Max     = {largest:12.3f}, Total count    = {observed + omitted:12d}]"
    yield f"#[Buckets = {len(counts):12d}, SubBuckets     = {1:12d}]"
