"""How soon a system is back after a fault: its first success, and its p95 of before.

The p95 of before is that of the successful responses sent and answered in the measured phase before the fault began.
It is *back* at the first instant t after the end of the fault for which

    the requests sent in [t, t + 1 s) have no failure and p95 ≤ limit,
    and so have all requests sent from t to the end of the load,        limit = max(2 · p95 before, p95 before + 50 ms)

p95 is of the latency from the actual send, of requests that were sent after the fault ended, without logins: they are a
twentieth of the requests and take many times as long, so that p95 of all would jump between the two. Failures are those
of all requests. t is the end of the fault or the send of a request. With 40 requests a second a window has about 38,
and its p95 lies near the second slowest: one slow request is chance. The second line keeps a lucky second from counting
as recovery.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.endpoints import LOGIN

QUANTILE = 0.95
MAX_GROWTH, SLACK_MS = 2.0, 50.0  # of p95 against that of before; the slack is for a p95 of a few milliseconds
WINDOW_MS = 1000.0
MIN_REQUESTS = 10  # of a window, and of the time before the fault


class Recovery(NamedTuple):
    """Times in ms from the end of a fault; None where it did not end, or was not seen before the load ended.

    `first_success_ms` is when the first successful response came to a request sent after the end, `p95_back_ms` when
    p95 was back. `observed_ms` is from the end of the fault to the last send.
    """

    p95_before_ms: float | None = None
    first_success_ms: float | None = None
    p95_back_ms: float | None = None
    observed_ms: float | None = None


def recovery(requests: pd.DataFrame, begin_ms: float, end_ms: float | None) -> Recovery:
    """The recovery from a fault that lasted from `begin_ms` to `end_ms`.

    `requests` are the rows of the measured phase and of the drain: `endpoint`, `start_ms`, `latency_ms`, `ok`.
    """
    before_ms = p95_before_ms(requests, begin_ms)
    if end_ms is None:
        return Recovery(before_ms)
    after = requests[requests["start_ms"] >= end_ms].sort_values("start_ms", kind="stable")
    successes = after[after["ok"]]
    first_ms = float((successes["start_ms"] + successes["latency_ms"]).min() - end_ms) if len(successes) else None
    observed_ms = float(after["start_ms"].max() - end_ms) if len(after) else 0.0
    back_ms = None if before_ms is None else _p95_back_ms(after, end_ms, limit_ms(before_ms))
    return Recovery(before_ms, first_ms, back_ms, observed_ms)


def p95_before_ms(requests: pd.DataFrame, begin_ms: float) -> float | None:
    """The p95 before a fault; None with fewer than `MIN_REQUESTS` successful responses."""
    ended_ms = requests["start_ms"] + requests["latency_ms"]
    before = requests[(ended_ms < begin_ms) & requests["ok"] & (requests["endpoint"] != LOGIN.name)]
    return float(before["latency_ms"].quantile(QUANTILE)) if len(before) >= MIN_REQUESTS else None


def limit_ms(before_ms: float) -> float:
    """The largest p95 that counts as that of before."""
    return max(MAX_GROWTH * before_ms, before_ms + SLACK_MS)


def _p95_back_ms(after: pd.DataFrame, end_ms: float, limit: float) -> float | None:
    """The first instant at which p95 is back, from `end_ms`; None where it was not before the last second."""
    failed_ms = after.loc[~after["ok"], "start_ms"].max()  # NaN without a failure
    timed = after[after["endpoint"] != LOGIN.name]
    start_ms, latency_ms = timed["start_ms"].to_numpy(float), timed["latency_ms"].to_numpy(float)
    first = 0 if pd.isna(failed_ms) else int(np.searchsorted(start_ms, failed_ms, side="right"))
    for position in range(first, len(start_ms)):
        from_ms = float(start_ms[position]) if position or not pd.isna(failed_ms) else end_ms
        until = int(np.searchsorted(start_ms, from_ms + WINDOW_MS))
        if until == len(start_ms):  # the load ended within this window
            return None
        if until - position < MIN_REQUESTS:
            continue
        if max(_p95(latency_ms[position:until]), _p95(latency_ms[position:])) <= limit:
            return from_ms - end_ms
    return None


def _p95(latency_ms: np.ndarray) -> float:
    return float(np.quantile(latency_ms, QUANTILE))
