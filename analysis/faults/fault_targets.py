"""The targets under a fault, and by how much an outcome misses them.

This is the one place with their values. What is promised of each fault is in `workbench.faults`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.failures import kinds_text
from workbench.faults import CLEAN, IN_FLIGHT, NO_FAILURE, RUN_ENDS

from .fault_outcome import FaultOutcome
from .fault_wording import count_text, seconds

MAX_REQUEST_MS = 10_000.0  # of any request, successful or not
MAX_RECOVERY_MS = 2_000.0  # from the end of the fault until p95 is back
MAX_REPLACEMENT_MS = 10_000.0  # of a worker that is stuck
# Of a run that a fault ends: a generator keeps rows in memory for half a second, in which 20 requests come on average.
# Arrivals are Poisson: more than 30 are lost by chance in one run of a thousand, more than 20 in one of fifteen.
MAX_ROWS_LOST_BY_END = 30
STATEMENT_MARGIN_MS = 1_000.0  # by which a client waits longer for a statement than the server lets it run

EXPECTED = {
    NO_FAILURE: "no request fails",
    CLEAN: "each failure is a 503 with Retry-After",
    IN_FLIGHT: "only requests in flight in the worker fail",
    RUN_ENDS: "the run ends, and its record can be read",
}


def refusal_limit_ms(settings: Mapping[str, Any]) -> float:
    """The stated timeout (ms) of a refusal: for all that a request waits for the database.

    Without that, for a connection of the pool and for a statement, where both end. At most `MAX_REQUEST_MS`, which also
    holds for settings that state none.
    """
    if database_s := settings.get("database_timeout_s"):
        return min(MAX_REQUEST_MS, 1000.0 * database_s + STATEMENT_MARGIN_MS)
    statement_ms, pool_s = settings.get("statement_timeout_ms"), settings.get("pool_timeout_s")
    if not (settings.get("deadlines") and statement_ms and pool_s):
        return MAX_REQUEST_MS
    return min(MAX_REQUEST_MS, 1000.0 * pool_s + statement_ms + STATEMENT_MARGIN_MS)


def missed_targets(outcome: FaultOutcome, settings: Mapping[str, Any]) -> list[str]:
    """A phrase for each target that an outcome misses, with by how much; empty where all are met."""
    if outcome.kind.promise == RUN_ENDS:
        return list(_of_ended_run(outcome))
    return [
        *_of_failures(outcome, settings),
        *_of_times(outcome),
        *_of_recovery(outcome),
        *_of_losses(outcome),
    ]


def _of_failures(outcome: FaultOutcome, settings: Mapping[str, Any]) -> Iterator[str]:
    promise, limit_ms = outcome.kind.promise, refusal_limit_ms(settings)
    unclean = kinds_text(outcome.unclean_kinds.items())
    if promise == NO_FAILURE and outcome.failed:
        yield f"{count_text(outcome.failed, 'request')} failed, and none may ({kinds_text(outcome.kinds.items())})"
    if promise == CLEAN and outcome.unclean:
        yield f"{count_text(outcome.unclean, 'failure')} without a 503 and Retry-After ({unclean})"
    if promise == IN_FLIGHT and (others := outcome.failed - outcome.in_flight):
        kinds = kinds_text(outcome.kinds.items())
        yield f"{count_text(others, 'failure')} of requests that were not in flight in the worker ({kinds})"
    if outcome.before:
        yield f"{count_text(outcome.before, 'request')} failed before the fault"
    if outcome.dropped:
        yield f"{count_text(outcome.dropped, 'arrival')} due and never sent"
    if outcome.longest_refusal_ms is not None and outcome.longest_refusal_ms > limit_ms:
        yield f"a 503 took {seconds(outcome.longest_refusal_ms)} {_limit(limit_ms)}"


def _of_times(outcome: FaultOutcome) -> Iterator[str]:
    if outcome.longest_ms is not None and outcome.longest_ms > MAX_REQUEST_MS:
        yield f"the longest request took {seconds(outcome.longest_ms)} {_limit(MAX_REQUEST_MS)}"
    is_stuck = outcome.kind.promise == IN_FLIGHT and outcome.kind.duration_s > 0
    if is_stuck and outcome.duration_ms is not None and outcome.duration_ms > MAX_REPLACEMENT_MS:
        yield f"the worker was stuck for {seconds(outcome.duration_ms)} {_limit(MAX_REPLACEMENT_MS)}"


def _of_recovery(outcome: FaultOutcome) -> Iterator[str]:
    seen = outcome.recovery
    if outcome.duration_ms is None:
        yield "the fault did not end before the load"
    elif seen.p95_before_ms is None:
        yield "too few successful requests before the fault to know its p95"
    elif seen.p95_back_ms is None:
        yield f"p95 was not back in the {seconds(seen.observed_ms or 0.0)} that were observed after the fault"
    elif seen.p95_back_ms > MAX_RECOVERY_MS:
        yield f"p95 was back after {seconds(seen.p95_back_ms)} {_limit(MAX_RECOVERY_MS)}"


def _of_losses(outcome: FaultOutcome, max_rows_lost: int = 0) -> Iterator[str]:
    """What was leaked or lost; what was not counted is not met either."""
    if outcome.leaked is None:
        yield "connections at the server were not counted"
    elif outcome.leaked:
        yield f"{count_text(outcome.leaked, 'connection')} leaked"
    yield from _of_writes(outcome)
    if outcome.rows_lost is None:
        yield "rows of the recording were not counted"
    elif outcome.rows_lost > max_rows_lost:
        limit = f" (limit {max_rows_lost})" if max_rows_lost else ""
        yield f"{count_text(outcome.rows_lost, 'row')} of the recording lost{limit}"


def _of_writes(outcome: FaultOutcome) -> Iterator[str]:
    if outcome.lost is None or outcome.doubled is None:
        yield "acknowledged writes were not compared with the database"
        return
    if outcome.lost:
        yield f"{count_text(outcome.lost, 'acknowledged write')} lost"
    if outcome.doubled:
        yield f"{count_text(outcome.doubled, 'write')} stored more than once"
    if outcome.wrong_user is None:
        yield "users of stored writes were not compared"
    elif outcome.wrong_user:
        yield f"{count_text(outcome.wrong_user, 'write')} stored for another user"


def _of_ended_run(outcome: FaultOutcome) -> Iterator[str]:
    if outcome.has_ended:
        yield "the run ended by itself, as if there had been no fault"
    if not outcome.requests:
        yield "no row of the run was kept"
    if outcome.left_behind:
        yield outcome.left_behind
    yield from _of_losses(outcome, MAX_ROWS_LOST_BY_END)


def _limit(limit_ms: float) -> str:
    return f"(limit {limit_ms / 1000:g} s)"
