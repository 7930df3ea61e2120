"""Goodput of an overload: successful responses within the objective, of the requests that were due, over time.

A request belongs to the second in which it was due, whenever it was answered. Its response time counts from then, so
that a wait for a free user is part of it. A load has three pieces: `before` and `after` with the base rate, and
`during` with a multiple of it.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.endpoints import LOGIN
from workbench.faults import REFUSED
from workbench.recording import Run

from ..faults import recovery

# What a successful response may take (ms): that of the objective on reads, and of a login, which may wait for a hash.
READ_OBJECTIVE_MS, LOGIN_OBJECTIVE_MS = 300.0, 1000.0
CLEAN_STATUS = 503
MAX_LATE_S = 1.0  # a request that is sent within it of when it was due was offered then
QUANTILE = 0.95
CHANCE_DEVIATIONS = 3.0
# Recovery: from an instant on, in a window of this length and in all that follows, as good as before the overload.
WINDOW_S, STEP_S = 1.0, 0.25
MIN_GOOD_SHARE = 0.9  # of that before
BEFORE, DURING, AFTER = "before", "during", "after"
PIECES = (BEFORE, DURING, AFTER)


class Counts(NamedTuple):
    """Good requests that were due before and during the overload."""

    before: int
    during: int


class Overload(NamedTuple):
    """One run of an overload.

    `times` is the multiple of the base rate. Rates are of the overload, in requests/s: `offered` counts due requests,
    `goodput` successful responses within the objective, for `reads` and `logins` apart, also before the overload;
    `reads_good` and `logins_good` are their numbers. `sent_share` is the share of the overload that was sent within
    `MAX_LATE_S` of when it was due: of what was due, or of the fewest arrivals that chance explains if that is more.
    Dropped arrivals count as due in the overload, and not sent. `p95_ms` is of the successful responses during the
    overload, None without one. `clean_share` is the share of the failures that are a 503 with Retry-After, 1 without
    failures. `recovery_s` is None where the run ended before.
    """

    times: float
    offered_rps: float
    sent_share: float
    goodput_rps: float
    reads_goodput_rps: float
    logins_goodput_rps: float
    reads_before_rps: float
    logins_before_rps: float
    reads_good: Counts
    logins_good: Counts
    reads_p95_ms: float | None
    logins_p95_ms: float | None
    failures: int
    clean_share: float
    recovery_s: float | None


def is_overload(run: Run) -> bool:
    """True for a run whose load exceeded its base rate for a while."""
    return bool((run.record.get("scenario") or {}).get("base_rps"))


def requests_of(run: Run) -> pd.DataFrame:
    """The measured requests: `due_s` after the first, `late_s` of the send, `piece`, `response_ms`, and what they are.

    That is `is_login`, `ok`, `good` and `clean`.
    """
    rows = run.rows.query(
        "SELECT scheduled_ms / 1000 AS due_s, (start_ms - scheduled_ms) / 1000 AS late_s, response_ms, ok, "
        f"endpoint = '{LOGIN.name}' AS is_login, "
        f"coalesce(status = {CLEAN_STATUS} AND error = '{REFUSED}', false) AS clean "
        "FROM measured ORDER BY scheduled_ms"
    )
    rows["due_s"] -= rows["due_s"].min()
    objective_ms = np.where(rows["is_login"], LOGIN_OBJECTIVE_MS, READ_OBJECTIVE_MS)
    rows["good"] = rows["ok"] & (rows["response_ms"] <= objective_ms)
    ends_s = _ends_s(run)
    rows["piece"] = np.array(PIECES)[np.searchsorted(ends_s[:2], rows["due_s"], side="right")]
    return rows


def by_second(requests: pd.DataFrame) -> pd.DataFrame:
    """`offered` and `good` requests of each whole second, indexed by it."""
    seconds = requests["due_s"].astype(int)
    grouped = requests.groupby(seconds)
    return pd.DataFrame({"offered": grouped.size(), "good": grouped["good"].sum()}).rename_axis("second")


def of_run(run: Run) -> Overload:
    """The values of one run of an overload."""
    requests, scenario = requests_of(run), run.record["scenario"]
    before_s, during_s = (scenario["rates"][position][0] for position in (0, 1))
    before, during = (requests[requests["piece"] == piece] for piece in (BEFORE, DURING))
    dropped = ((run.record.get("generator") or {}).get("dropped") or {}).get("measure", 0)
    failed = requests[~requests["ok"]]
    reads, logins = (Counts(_good(before, logins=kind), _good(during, logins=kind)) for kind in (False, True))
    rate_rps = scenario["rates"][1][1]
    due = max(_fewest_due(rate_rps * during_s), len(during) + dropped)
    return Overload(
        times=rate_rps / scenario["base_rps"],
        offered_rps=len(during) / during_s,
        sent_share=float((during["late_s"] <= MAX_LATE_S).sum() / due),
        goodput_rps=(reads.during + logins.during) / during_s,
        reads_goodput_rps=reads.during / during_s,
        logins_goodput_rps=logins.during / during_s,
        reads_before_rps=reads.before / before_s,
        logins_before_rps=logins.before / before_s,
        reads_good=reads,
        logins_good=logins,
        reads_p95_ms=_p95_ms(during[~during["is_login"]]),
        logins_p95_ms=_p95_ms(during[during["is_login"]]),
        failures=len(failed),
        clean_share=float(failed["clean"].mean()) if len(failed) else 1.0,
        recovery_s=recovery_s(requests, _ends_s(run)),
    )


def _fewest_due(expected: float) -> float:
    """The fewest arrivals of a Poisson process that chance explains: three standard deviations below the mean."""
    return expected - CHANCE_DEVIATIONS * expected**0.5


def recovery_s(requests: pd.DataFrame, ends_s: np.ndarray) -> float | None:
    """Seconds from the end of the overload until goodput and p95 of the reads are as before it; None if they never are.

    `ends_s` are the ends of the three pieces. The rule is that of faults: at the first instant from which both the next
    second and all the rest have `MIN_GOOD_SHARE` of the goodput before, and p95 within `faults.recovery.limit_ms`.
    """
    before = requests[requests["piece"] == BEFORE]
    usual_share, usual_p95_ms = before["good"].mean(), _p95_ms(before[~before["is_login"]])
    if usual_p95_ms is None:
        return None
    limit = recovery.limit_ms(usual_p95_ms)
    _, end_s, last_s = ends_s
    for start_s in np.arange(end_s, last_s - WINDOW_S + STEP_S / 2, STEP_S):
        spans = ((start_s, until_s) for until_s in (start_s + WINDOW_S, last_s))
        if all(_is_usual(requests, span, usual_share, limit) for span in spans):
            return float(start_s - end_s)
    return None


def _is_usual(requests: pd.DataFrame, span_s: tuple[float, float], usual_share: float, limit_ms: float) -> bool:
    """True if the requests that are due in the span fare as those before the overload."""
    due = requests[requests["due_s"].between(*span_s, inclusive="left")]
    p95_ms = _p95_ms(due[~due["is_login"]])
    return p95_ms is not None and p95_ms <= limit_ms and due["good"].mean() >= MIN_GOOD_SHARE * usual_share


def _ends_s(run: Run) -> np.ndarray:
    """When each piece ends, in seconds of the measured time."""
    return np.cumsum([piece[0] for piece in run.record["scenario"]["rates"]])


def _good(requests: pd.DataFrame, *, logins: bool) -> int:
    return int(requests.loc[requests["is_login"] == logins, "good"].sum())


def _p95_ms(requests: pd.DataFrame) -> float | None:
    """p95 of the response times of the successful responses; None without one."""
    successful = requests.loc[requests["ok"], "response_ms"].dropna()
    return float(successful.quantile(QUANTILE)) if len(successful) else None
