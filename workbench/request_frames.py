"""The mergeable frames of request rows from which the tables of `aggregates` are made, all in integer microseconds."""

from .mergeable_frame import LARGEST, LEAST, SUM, Frame, of_measures, of_values
from .request_schema import LOOP, MEASURE, PARTS

SPLIT = ("queue", *PARTS, "rest", "residual")  # they add up to the latency
CACHE_OUTCOMES = ("hit", "stale", "miss", "none")
SUCCESSES = f"requests_us WHERE phase = '{MEASURE}' AND ok"
# Each is summed, and the rows that have it are counted. Where the wait for the loop was not measured it is in the
# other parts, and they add up without it.
SUMMED = {
    "latency": "latency_us",
    "response": "response_us",
    "app": "app_us",
    **{part: f"{part}_us" for part in SPLIT},
    LOOP: f"coalesce({LOOP}_us, 0 * rest_us)",
    "statements": "db_calls",
    "round_trips": "db_round_trips",
}
_SUMS = {
    name: measure
    for column, value in SUMMED.items()
    for name, measure in {
        f"{column}_sum": (SUM, f"sum({value})"),
        f"{column}_number": (SUM, f"count({value})"),
    }.items()
}
_BEGIN_US = "greatest(start_us, scheduled_us)"  # see `machine_watch.begin_us`

_REPORTED = "app_us IS NOT NULL AND queue_us IS NOT NULL AND rest_us IS NOT NULL"

# By run, phase, endpoint, outcome and whether the application reported all parts of the latency (`has_split`): what all
# tables of means, numbers and extremes are made of.
CELLS = of_measures(
    f"(SELECT *, {_REPORTED} AS has_split FROM requests_us)",
    ("run", "phase", "endpoint", "ok", "has_split"),
    {
        "number": (SUM, "count(*)"),
        "hashed": (SUM, "count(*) FILTER (hash_us > 0)"),
        "queried": (SUM, "count(*) FILTER (db_calls > 0)"),
        "with_session": (SUM, "count(*) FILTER (session_us > 0)"),
        "server_errors": (SUM, "count(*) FILTER (status >= 500)"),
        "unanswered": (SUM, "count(*) FILTER (status IS NULL)"),
        **{outcome: (SUM, f"count(*) FILTER (cache = '{outcome}')") for outcome in CACHE_OUTCOMES},
        "first_us": (LEAST, f"min({_BEGIN_US})"),
        "last_begin_us": (LARGEST, f"max({_BEGIN_US})"),
        "last_us": (LARGEST, "max(start_us + latency_us)"),
        "least_latency": (LEAST, "min(latency_us)"),
        "largest_latency": (LARGEST, "max(latency_us)"),
        "largest_response": (LARGEST, "max(response_us)"),
        **_SUMS,
    },
)
KINDS = of_measures(
    f"requests_us WHERE phase = '{MEASURE}' AND NOT ok", ("run", "endpoint", "error"), {"failures": (SUM, "count(*)")}
)
FAILED = of_measures("requests_us WHERE NOT ok", ("run", "phase", "error"), {"failures": (SUM, "count(*)")})
ENDPOINTS = of_measures("requests_us", ("endpoint",), {"number": (SUM, "count(*)")})
WORKERS = of_measures(
    f"requests_us WHERE phase = '{MEASURE}' AND worker IS NOT NULL", ("run", "worker"), {"number": (SUM, "count(*)")}
)
# The successful requests of each endpoint and run within `limits`, whose application reported its parts.
TAIL = of_measures(
    f"requests_us JOIN limits USING (run, endpoint) WHERE phase = '{MEASURE}' AND ok "
    "AND latency_us BETWEEN low_us AND high_us AND app_us IS NOT NULL AND queue_us IS NOT NULL",
    ("run", "endpoint"),
    {"number": (SUM, "count(*)"), **_SUMS},
)


def values_of(column: str, source: str = SUCCESSES) -> Frame:
    """The frame of the values of a column (µs) by run and endpoint; by default of the measured successful requests."""
    return of_values(source, ("run", "endpoint"), column)
