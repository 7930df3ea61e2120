"""Three witnesses of a load, compared: the client's rows, the application's own counts, and PostgreSQL's statements.

On a quiet machine they agree exactly, so any difference makes a run invalid. What they have in common is small: the
application counts each response with the time that it writes into its header, in a file that the load generator never
sees, and PostgreSQL counts what it was sent.

A witness that is not available is no disagreement: of a target, of a worker that was replaced, of a server that lost
its connections. If a request got no response, because its client gave up or its connection broke, the application may
still be at it when its counts are read; then they are not compared.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

COLUMNS = ("app_us", "db_calls")
FIRST_ERROR, FIRST_SERVER_ERROR = 400, 500  # statuses

Durations = Sequence[tuple[int | None, int]]  # longest time (µs, None for no bound), and number of responses


def application(requests: pd.DataFrame, witnesses: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The application's counts, where they can be compared with these rows."""
    counts = (witnesses or {}).get("application")
    if counts is None or not set(COLUMNS) <= set(requests.columns):
        return None
    is_whole = requests[["status", *COLUMNS]].notna().all(axis=None)
    return counts if is_whole else None


def error_difference(requests: pd.DataFrame, witnesses: Mapping[str, Any] | None) -> int | None:
    """The difference in responses with a status of 400 or more."""
    if (counts := application(requests, witnesses)) is None:
        return None
    return abs(int((requests["status"] >= FIRST_ERROR).sum()) - counts["error_responses"])


def time_difference_ms(requests: pd.DataFrame, witnesses: Mapping[str, Any] | None) -> float | None:
    """The difference in the time that all responses took in the application."""
    if (counts := application(requests, witnesses)) is None:
        return None
    return abs(int(requests["app_us"].sum()) - counts["app_us"]) / 1000


def duration_difference(requests: pd.DataFrame, witnesses: Mapping[str, Any] | None) -> int | None:
    """The number of responses that one of both has in another interval of the durations."""
    if (counts := application(requests, witnesses)) is None:
        return None
    durations: Durations = counts["durations"]
    bounds = [bound for bound, _ in durations if bound is not None]
    intervals = requests["app_us"].map(lambda app_us: bisect_left(bounds, app_us)).value_counts()
    differences = (abs(int(intervals.get(place, 0)) - count) for place, (_, count) in enumerate(durations))
    return -(-sum(differences) // 2)


def statement_difference(requests: pd.DataFrame, witnesses: Mapping[str, Any] | None) -> int | None:
    """The statements that PostgreSQL counted less than it was sent without an error, or more than it was sent.

    PostgreSQL does not count a statement that fails. The application counts those that it goes on after; after any
    other it responds with a server error.
    """
    database = (witnesses or {}).get("database")
    if database is None or (counts := application(requests, witnesses)) is None:
        return None
    sent = int(requests["db_calls"].sum())
    in_server_errors = int(requests.loc[requests["status"] >= FIRST_SERVER_ERROR, "db_calls"].sum())
    at_least = sent - counts["failed_statements"] - in_server_errors
    return max(0, database["statements"] - sent, at_least - database["statements"])
